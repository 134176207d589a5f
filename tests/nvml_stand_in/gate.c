/* What every call passes: it is counted, the script is looked at again (at most every 20 ms), and the
 * call waits or fails as scripted. */
#include "stand_in.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HANDLE_MAGIC = 0x4750554D, RELOAD_EVERY_NS = 20000000, GENERATIONS = 3, SCRIPT_LIMIT = 1 << 20 };

struct handle handles[MAX_GPUS][1 + MAX_MIG];

/* The newest script is current; the two before it stay whole for calls that still hold them. */
static struct script generations[GENERATIONS];
static const struct script *current;
static pthread_mutex_t reload_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned generation;
static struct stat seen;
static uint64_t looked_at_ns;
static double started;
static int initialised;
static uint64_t calls[FUNCTION_COUNT];

static uint64_t nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int unchanged(const struct stat *now) {
    return current && now->st_ino == seen.st_ino && now->st_size == seen.st_size &&
           now->st_mtim.tv_sec == seen.st_mtim.tv_sec && now->st_mtim.tv_nsec == seen.st_mtim.tv_nsec;
}

static void reload(void) {
    static char text[SCRIPT_LIMIT];
    const char *path = getenv("GPUMON_NVML_SCRIPT");
    struct stat now = {0};
    if (path && stat(path, &now) != 0) memset(&now, 0, sizeof now);
    if (unchanged(&now)) return;
    size_t length = 0;
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) {
        length = fread(text, 1, sizeof text - 1, file);
        fclose(file);
    }
    text[length] = '\0';
    /* Without a script it is a machine without a driver: the library stays loaded when its test is over. */
    if (!path) strcpy(text, "init DRIVER_NOT_LOADED\n");
    struct script *next = &generations[++generation % GENERATIONS];
    script_parse(next, text);
    seen = now;
    current = next;
    if (started <= 0) started = gate_now();
}

EXPORT void standin_reload(void) {
    pthread_mutex_lock(&reload_lock);
    reload();
    pthread_mutex_unlock(&reload_lock);
}

const struct script *gate_script(void) {
    uint64_t now = nanoseconds(CLOCK_MONOTONIC);
    if (!current || now - looked_at_ns > RELOAD_EVERY_NS) {
        pthread_mutex_lock(&reload_lock);
        if (!current || now - looked_at_ns > RELOAD_EVERY_NS) {
            looked_at_ns = now;
            reload();
        }
        pthread_mutex_unlock(&reload_lock);
    }
    return current;
}

double gate_now(void) {
    if (current && current->clock >= 0) return current->clock;
    return (double)nanoseconds(CLOCK_REALTIME) / 1e9;
}

/* Seconds since the first look at a script: what counters grow with. */
double gate_elapsed(void) {
    double elapsed = gate_now() - started;
    return elapsed > 0 ? elapsed : 0;
}

EXPORT uint64_t standin_calls(const char *name) {
    if (name) {
        int function = function_by_name(name);
        return function < 0 ? 0 : calls[function];
    }
    uint64_t all = 0;
    for (int i = 0; i < FUNCTION_COUNT; i++) all += calls[i];
    return all;
}

EXPORT void standin_reset(void) {
    memset(calls, 0, sizeof calls);
    started = 0;
    initialised = 0;
    pthread_mutex_lock(&reload_lock);
    current = NULL;
    pthread_mutex_unlock(&reload_lock);
}

/* Writes "NAME COUNT" a line to the file named by GPUMON_NVML_CALLS when the process ends. */
__attribute__((destructor)) static void dump_calls(void) {
    static const char *const names[] = {
#define X(name) #name,
        FUNCTIONS(X)
#undef X
    };
    const char *path = getenv("GPUMON_NVML_CALLS");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    for (int i = 0; i < FUNCTION_COUNT; i++)
        if (calls[i]) fprintf(file, "%s %llu\n", names[i], (unsigned long long)calls[i]);
    fclose(file);
}

static nvmlReturn_t pass(const struct script *script, enum function function, int gpu) {
    uint64_t call = ++calls[function];
    if (script->delay_us[function]) usleep(script->delay_us[function]);
    const struct fault *fault = &script->fault[function][gpu];
    if (fault->error && call % fault->every == 0) return fault->error;
    return NVML_SUCCESS;
}

nvmlReturn_t gate_system(enum function function) {
    const struct script *script = gate_script();
    nvmlReturn_t result = pass(script, function, 0);
    return result ? result : initialised ? NVML_SUCCESS : NVML_UNINITIALIZED;
}

nvmlReturn_t gate_device(enum function function, nvmlDevice_t device, const struct gpu **gpu,
                         const struct mig_device **mig) {
    const struct script *script = gate_script();
    const struct handle *handle = device;
    if (!initialised) return NVML_UNINITIALIZED;
    if (!handle || handle->magic != HANDLE_MAGIC) return NVML_INVALID_ARGUMENT;
    *gpu = &script->gpu[handle->gpu];
    if (handle->mig >= (*gpu)->mig_devices) return NVML_INVALID_ARGUMENT;
    *mig = handle->mig < 0 ? NULL : &(*gpu)->mig_device[handle->mig];
    nvmlReturn_t result = pass(script, function, handle->gpu);
    if ((*gpu)->lost_at >= 0 && gate_now() >= (*gpu)->lost_at) return NVML_GPU_IS_LOST;
    return result;
}

nvmlReturn_t gate_init(void) {
    const struct script *script = gate_script();
    nvmlReturn_t result = pass(script, F_nvmlInit_v2, 0);
    if (result || script->init_error) return result ? result : script->init_error;
    for (int gpu = 0; gpu < MAX_GPUS; gpu++)
        for (int mig = -1; mig < MAX_MIG; mig++) handles[gpu][mig + 1] = (struct handle){HANDLE_MAGIC, gpu, mig};
    initialised++;
    return NVML_SUCCESS;
}

nvmlReturn_t gate_shutdown(void) {
    nvmlReturn_t result = gate_system(F_nvmlShutdown);
    if (!result) initialised--;
    return result;
}
