/* Memory, process lists and per-process utilisation. */
#include "stand_in.h"

#include <string.h>

struct amounts {
    uint64_t total, reserved, used;
};

static struct amounts amounts_of(const struct gpu *gpu, const struct mig_device *mig) {
    struct timeline timeline;
    if (mig) return (struct amounts){mig->memory_total_bytes, 0, mig->memory_used_bytes};
    if (timeline_read(gpu, &timeline) && timeline.memory_total)
        return (struct amounts){timeline.memory_total, timeline.memory_reserved, timeline.memory_used};
    return (struct amounts){gpu->memory_total_bytes, gpu->memory_reserved_bytes, moving(gpu, gpu->memory_used_bytes)};
}

/* Version 1 counts what the driver reserves as used: so does every driver since R510. */
EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, struct nvml_memory *memory) {
    DEVICE(nvmlDeviceGetMemoryInfo);
    struct amounts amounts = amounts_of(gpu, mig);
    memory->total = amounts.total;
    memory->used = amounts.used + amounts.reserved;
    memory->free = memory->total - memory->used;
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, struct nvml_memory_v2 *memory) {
    DEVICE(nvmlDeviceGetMemoryInfo_v2);
    if (memory->version != MEMORY_V2) return NVML_ARGUMENT_VERSION_MISMATCH;
    struct amounts amounts = amounts_of(gpu, mig);
    memory->total = amounts.total;
    memory->reserved = amounts.reserved;
    memory->used = amounts.used;
    memory->free = memory->total - memory->used - memory->reserved;
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t device, struct nvml_bar1_memory *memory) {
    DEVICE(nvmlDeviceGetBAR1MemoryInfo);
    *memory = (struct nvml_bar1_memory){gpu->bar1_total_bytes, gpu->bar1_total_bytes - gpu->bar1_used_bytes,
                                        gpu->bar1_used_bytes};
    return NVML_SUCCESS;
}

static int listed(const struct process *process, enum process_kind kind, const struct mig_device *mig) {
    return process->kind == kind && (!mig || (process->gpu_instance == mig->gpu_instance &&
                                              process->compute_instance == mig->compute_instance));
}

static void put(void *list, size_t stride, uint32_t at, const struct process *process) {
    struct nvml_process_v3_of_535 entry;
    memset(&entry, 0, sizeof entry);
    entry.process.pid = process->pid;
    entry.process.used_memory = process->used_memory;
    entry.process.gpu_instance = process->gpu_instance;
    entry.process.compute_instance = process->compute_instance;
    memcpy((char *)list + at * stride, &entry, stride);
}

static nvmlReturn_t processes(const struct gpu *gpu, const struct mig_device *mig, enum process_kind kind,
                              size_t stride, uint32_t *count, void *list) {
    struct process virtual = {.kind = COMPUTE, .gpu_instance = NOT_AVAILABLE_32, .compute_instance = NOT_AVAILABLE_32};
    struct timeline timeline;
    uint32_t room = *count, found = 0;
    if (kind == COMPUTE && timeline_read(gpu, &timeline) && timeline.pid) {
        virtual.pid = timeline.pid;
        virtual.used_memory = timeline.process_memory_used;
        if (list && found < room) put(list, stride, found, &virtual);
        found++;
    }
    for (int i = 0; i < gpu->processes; i++) {
        if (!listed(&gpu->process[i], kind, mig)) continue;
        if (list && found < room) put(list, stride, found, &gpu->process[i]);
        found++;
    }
    *count = found;
    return found > room || (!list && found) ? NVML_INSUFFICIENT_SIZE : NVML_SUCCESS;
}

#define V1 sizeof(struct nvml_process_v1)
#define V2 sizeof(struct nvml_process_v2)
#define V3 (gpu->process_v3_of_535 ? sizeof(struct nvml_process_v3_of_535) : V2)

#define LIST(function, kind, stride)                                                   \
    EXPORT nvmlReturn_t function(nvmlDevice_t device, uint32_t *count, void *list) {   \
        DEVICE(function);                                                              \
        if (!mig && gpu->mig_mode && gpu->mig_refuses_gpu) return NVML_NO_PERMISSION;  \
        return processes(gpu, mig, kind, stride, count, list);                         \
    }

LIST(nvmlDeviceGetComputeRunningProcesses, COMPUTE, V1)
LIST(nvmlDeviceGetComputeRunningProcesses_v2, COMPUTE, V2)
LIST(nvmlDeviceGetComputeRunningProcesses_v3, COMPUTE, V3)
LIST(nvmlDeviceGetGraphicsRunningProcesses, GRAPHICS, V1)
LIST(nvmlDeviceGetGraphicsRunningProcesses_v2, GRAPHICS, V2)
LIST(nvmlDeviceGetGraphicsRunningProcesses_v3, GRAPHICS, V3)
LIST(nvmlDeviceGetMPSComputeRunningProcesses, MPS, V1)
LIST(nvmlDeviceGetMPSComputeRunningProcesses_v2, MPS, V2)
LIST(nvmlDeviceGetMPSComputeRunningProcesses_v3, MPS, V3)

/* The nth record: those of the script if it has any, else one for each process that computes. */
static int record_at(const struct gpu *gpu, int n, struct nvml_process_utilization *record) {
    memset(record, 0, sizeof *record);
    if (gpu->records) {
        if (n >= gpu->records) return 0;
        *record = gpu->record[n];
        return 1;
    }
    struct timeline timeline;
    record->timestamp_us = (uint64_t)(gate_now() * 1e6);
    if (timeline_read(gpu, &timeline) && timeline.pid && n-- == 0) {
        record->pid = timeline.pid;
        record->sm = (uint32_t)(busy_now(gpu) * 100 + 0.5);
        return 1;
    }
    if (n >= gpu->processes) return 0;
    record->pid = gpu->process[n].pid;
    record->sm = gpu->process[n].sm_percent;
    return 1;
}

static int records_since(const struct gpu *gpu, uint64_t last_seen) {
    struct nvml_process_utilization record;
    int count = 0;
    for (int n = 0; record_at(gpu, n, &record); n++) count += record.timestamp_us > last_seen;
    return count;
}

EXPORT nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t device, struct nvml_process_utilization *records,
                                                    uint32_t *count, unsigned long long last_seen) {
    DEVICE(nvmlDeviceGetProcessUtilization);
    struct nvml_process_utilization record;
    uint32_t room = *count;
    if (gpu->mig_mode) return NVML_NOT_SUPPORTED;
    if (!records_since(gpu, last_seen)) return *count = 0, NVML_NOT_FOUND;
    if (!records) return *count = (uint32_t)records_since(gpu, last_seen), NVML_INSUFFICIENT_SIZE;
    *count = 0;
    for (int n = 0; *count < room && record_at(gpu, n, &record); n++)
        if (record.timestamp_us > last_seen) records[(*count)++] = record;
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetProcessesUtilizationInfo(nvmlDevice_t device,
                                                          struct nvml_processes_utilization_info *info) {
    DEVICE(nvmlDeviceGetProcessesUtilizationInfo);
    struct nvml_process_utilization record;
    uint32_t room = info->count;
    if (gpu->mig_mode) return NVML_NOT_SUPPORTED;
    if (info->version != PROCESSES_UTILIZATION_V1) return NVML_ARGUMENT_VERSION_MISMATCH;
    if (!records_since(gpu, info->last_seen_us)) return info->count = 0, NVML_NOT_FOUND;
    if (!info->records) return info->count = (uint32_t)records_since(gpu, info->last_seen_us), NVML_INSUFFICIENT_SIZE;
    info->count = 0;
    for (int n = 0; info->count < room && record_at(gpu, n, &record); n++)
        if (record.timestamp_us > info->last_seen_us)
            info->records[info->count++] =
                (struct nvml_process_utilization_info){.timestamp_us = record.timestamp_us, .pid = record.pid, .sm = record.sm};
    return NVML_SUCCESS;
}
