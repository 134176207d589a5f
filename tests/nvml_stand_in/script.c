/* Reads a script: one statement a line, `#` starts a comment line. Times are CLOCK_REALTIME seconds.
 *
 *   driver_version TEXT | nvml_version TEXT | cuda_version NUMBER | init CODE | clock SECONDS
 *   gpus COUNT
 *   gpu INDEX|* NUMBER_NAME VALUE          (names: NUMBERS in stand_in.h)
 *   gpu INDEX|* name|uuid|serial|timeline TEXT
 *   gpu INDEX|* lost SECONDS
 *   process INDEX compute|graphics|mps PID BYTES|na [SM_PERCENT [GPU_INSTANCE COMPUTE_INSTANCE]]
 *   record INDEX PID TIMESTAMP_US SM_PERCENT                       (nvmlDeviceGetProcessUtilization)
 *   sample INDEX TIMESTAMP_US PERCENT                              (nvmlDeviceGetSamples)
 *   mig INDEX GPU_INSTANCE COMPUTE_INSTANCE TOTAL_BYTES USED_BYTES UUID
 *   fail FUNCTION|*|field:ID CODE [gpu INDEX] [every COUNT]        (* leaves nvmlInit_v2 alone)
 *   delay FUNCTION|* MICROSECONDS
 *
 * A line that means nothing ends the program with a sentence: a test with a typo must not pass.
 */
#include "stand_in.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const function_names[] = {
#define X(name) #name,
    FUNCTIONS(X)
#undef X
};

static const struct {
    const char *name;
    int code;
} codes[] = {
#define X(name, value) {#name, value},
    RETURN_CODES(X)
#undef X
};

static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
#define X(name, standard) {#name, offsetof(struct gpu, name)},
    NUMBERS(X)
#undef X
};

int function_by_name(const char *name) {
    for (int i = 0; i < FUNCTION_COUNT; i++)
        if (strcmp(function_names[i], name) == 0) return i;
    return -1;
}

int code_by_name(const char *name) {
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(codes[i].name, name) == 0) return codes[i].code;
    return -1;
}

static void refuse(const char *line) {
    fprintf(stderr, "stand-in NVML: cannot read this line of the script: %s\n", line);
    abort();
}

static void copy(char *target, size_t size, const char *text) { snprintf(target, size, "%s", text ? text : ""); }

static void gpu_standard(struct gpu *gpu, int index) {
#define X(name, standard) gpu->name = standard;
    NUMBERS(X)
#undef X
    gpu->index = index;
    gpu->lost_at = -1;
    gpu->processes = gpu->mig_devices = gpu->samples = gpu->records = 0;
    gpu->timeline[0] = gpu->serial[0] = '\0';
    copy(gpu->name, TEXT, "NVIDIA GeForce RTX 3060");
    snprintf(gpu->uuid, TEXT, "GPU-5ca1ab1e-0000-4000-8000-%012d", index);
}

static int parse_gpu(struct gpu *gpu, const char *key, const char *value) {
    if (strcmp(key, "name") == 0) return copy(gpu->name, TEXT, value), 1;
    if (strcmp(key, "uuid") == 0) return copy(gpu->uuid, TEXT, value), 1;
    if (strcmp(key, "serial") == 0) return copy(gpu->serial, TEXT, value), 1;
    if (strcmp(key, "timeline") == 0) return copy(gpu->timeline, sizeof gpu->timeline, value), 1;
    if (strcmp(key, "lost") == 0) return gpu->lost_at = atof(value), 1;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(numbers[i].name, key) == 0) {
            uint64_t number = strtoull(value, NULL, 10);
            memcpy((char *)gpu + numbers[i].offset, &number, sizeof number);
            return 1;
        }
    return 0;
}

static int parse_process(struct gpu *gpu, char *rest) {
    char kind[16], memory[32];
    struct process *process = &gpu->process[gpu->processes];
    process->sm_percent = 0;
    process->gpu_instance = process->compute_instance = NOT_AVAILABLE_32;
    if (gpu->processes == MAX_PROCESSES) return 0;
    if (sscanf(rest, "%15s %u %31s %u %u %u", kind, &process->pid, memory, &process->sm_percent,
               &process->gpu_instance, &process->compute_instance) < 3)
        return 0;
    process->kind = kind[0] == 'c' ? COMPUTE : kind[0] == 'g' ? GRAPHICS : MPS;
    process->used_memory = strcmp(memory, "na") == 0 ? NOT_AVAILABLE_64 : strtoull(memory, NULL, 10);
    gpu->processes++;
    return 1;
}

static int parse_record(struct gpu *gpu, const char *rest) {
    struct nvml_process_utilization record = {0};
    unsigned long long timestamp;
    if (gpu->records == MAX_SAMPLES || sscanf(rest, "%u %llu %u", &record.pid, &timestamp, &record.sm) != 3)
        return 0;
    record.timestamp_us = timestamp;
    gpu->record[gpu->records++] = record;
    return 1;
}

static int parse_sample(struct gpu *gpu, const char *rest) {
    struct nvml_sample sample = {0};
    unsigned long long timestamp;
    if (gpu->samples == MAX_SAMPLES || sscanf(rest, "%llu %u", &timestamp, &sample.value.ui) != 2) return 0;
    sample.timestamp_us = timestamp;
    gpu->sample[gpu->samples++] = sample;
    return 1;
}

static int parse_mig(struct gpu *gpu, const char *rest) {
    struct mig_device *mig = &gpu->mig_device[gpu->mig_devices];
    unsigned long long total, used;
    if (gpu->mig_devices == MAX_MIG || sscanf(rest, "%u %u %llu %llu %95s", &mig->gpu_instance,
                                              &mig->compute_instance, &total, &used, mig->uuid) != 5)
        return 0;
    mig->memory_total_bytes = total;
    mig->memory_used_bytes = used;
    gpu->mig_devices++;
    gpu->mig_mode = 1;
    return 1;
}

static int parse_fail(struct script *script, const char *rest) {
    char what[64], code_name[40];
    int at = 0, gpu = -1, every = 1;
    if (sscanf(rest, "%63s %39s%n", what, code_name, &at) < 2) return 0;
    const char *option = strstr(rest + at, "gpu ");
    if (option) gpu = atoi(option + 4);
    option = strstr(rest + at, "every ");
    if (option) every = atoi(option + 6);
    int code = code_by_name(code_name), function = function_by_name(what);
    if (code < 0 || every < 1 || gpu >= MAX_GPUS) return 0;
    if (strncmp(what, "field:", 6) == 0) {
        if (script->field_faults == MAX_FIELD_FAULTS) return 0;
        script->field_fault[script->field_faults++] = (struct field_fault){(uint32_t)atoi(what + 6), gpu, code};
        return 1;
    }
    if (function < 0 && strcmp(what, "*") != 0) return 0;
    for (int f = 0; f < FUNCTION_COUNT; f++)
        for (int g = 0; g < MAX_GPUS; g++)
            if ((function < 0 ? f != F_nvmlInit_v2 : f == function) && (gpu < 0 || g == gpu))
                script->fault[f][g] = (struct fault){code, (uint32_t)every};
    return 1;
}

static int parse_delay(struct script *script, const char *rest) {
    char what[64];
    uint32_t delay;
    if (sscanf(rest, "%63s %u", what, &delay) != 2) return 0;
    int function = function_by_name(what);
    if (function < 0 && strcmp(what, "*") != 0) return 0;
    for (int f = 0; f < FUNCTION_COUNT; f++)
        if (function < 0 || f == function) script->delay_us[f] = delay;
    return 1;
}

static int parse_global(struct script *script, const char *word, char *rest) {
    if (strcmp(word, "driver_version") == 0) return copy(script->driver_version, TEXT, rest), 1;
    if (strcmp(word, "nvml_version") == 0) return copy(script->nvml_version, TEXT, rest), 1;
    if (strcmp(word, "cuda_version") == 0) return script->cuda_version = atoi(rest), 1;
    if (strcmp(word, "clock") == 0) return script->clock = atof(rest), 1;
    if (strcmp(word, "init") == 0) return script->init_error = code_by_name(rest), script->init_error >= 0;
    if (strcmp(word, "gpus") == 0) return script->gpus = atoi(rest), script->gpus <= MAX_GPUS;
    if (strcmp(word, "fail") == 0) return parse_fail(script, rest);
    if (strcmp(word, "delay") == 0) return parse_delay(script, rest);
    return 0;
}

static int parse_of_gpu(struct script *script, const char *word, char *rest) {
    char *key = strchr(rest, ' ');
    if (!key) return 0;
    *key++ = '\0';
    int all = strcmp(rest, "*") == 0, first = all ? 0 : atoi(rest), last = all ? MAX_GPUS - 1 : first;
    if (first < 0 || last >= MAX_GPUS) return 0;
    char *value = strchr(key, ' ');
    for (int i = first; i <= last; i++) {
        struct gpu *gpu = &script->gpu[i];
        int understood = 0;
        if (strcmp(word, "gpu") == 0 && value) {
            *value = '\0';
            understood = parse_gpu(gpu, key, value + 1);
            *value = ' ';
        } else if (strcmp(word, "process") == 0) understood = parse_process(gpu, key);
        else if (strcmp(word, "record") == 0) understood = parse_record(gpu, key);
        else if (strcmp(word, "sample") == 0) understood = parse_sample(gpu, key);
        else if (strcmp(word, "mig") == 0) understood = parse_mig(gpu, key);
        if (!understood) return 0;
    }
    return 1;
}

void script_parse(struct script *script, char *text) {
    char *cursor = NULL;
    script->gpus = 1;
    script->init_error = NVML_SUCCESS;
    script->cuda_version = 12060;
    script->field_faults = 0;
    script->clock = -1;
    copy(script->driver_version, TEXT, "560.35.03");
    copy(script->nvml_version, TEXT, "12.560.35.03");
    memset(script->delay_us, 0, sizeof script->delay_us);
    memset(script->fault, 0, sizeof script->fault);
    for (int i = 0; i < MAX_GPUS; i++) gpu_standard(&script->gpu[i], i);
    for (char *line = strtok_r(text, "\n", &cursor); line; line = strtok_r(NULL, "\n", &cursor)) {
        char whole[512];
        copy(whole, sizeof whole, line);
        char *rest = strchr(line, ' ');
        if (*line == '#' || *line == '\0') continue;
        if (!rest) refuse(whole);
        *rest++ = '\0';
        if (!parse_global(script, line, rest) && !parse_of_gpu(script, line, rest)) refuse(whole);
    }
}
