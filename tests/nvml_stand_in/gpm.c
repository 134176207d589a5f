/* Hardware counters (GPM): two samples, and what happened between them.
 *
 * What a script sets are per mille while the GPU is busy; a timeline or `busy_percent` says how much it is.
 */
#include "stand_in.h"

#include <stdlib.h>

/* nvml.h: counters between samples that are closer than this are not valid. */
static const double LEAST_SECONDS = 0.1;

EXPORT nvmlReturn_t nvmlGpmQueryDeviceSupport(nvmlDevice_t device, struct nvml_gpm_support *support) {
    DEVICE(nvmlGpmQueryDeviceSupport);
    if (support->version != GPM_SUPPORT_V1) return NVML_ARGUMENT_VERSION_MISMATCH;
    return support->is_supported = gpu->gpm_supported != 0, NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlGpmSampleAlloc(struct nvml_gpm_sample **sample) {
    SYSTEM(nvmlGpmSampleAlloc);
    *sample = calloc(1, sizeof **sample);
    return *sample ? NVML_SUCCESS : NVML_MEMORY;
}

EXPORT nvmlReturn_t nvmlGpmSampleFree(struct nvml_gpm_sample *sample) {
    SYSTEM(nvmlGpmSampleFree);
    if (!sample) return NVML_INVALID_ARGUMENT;
    free(sample);
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlGpmSampleGet(nvmlDevice_t device, struct nvml_gpm_sample *sample) {
    DEVICE(nvmlGpmSampleGet);
    if (!sample) return NVML_INVALID_ARGUMENT;
    if (!gpu->gpm_supported || gpu->mig_mode) return NVML_NOT_SUPPORTED;
    *sample = (struct nvml_gpm_sample){gpu->index, gate_now()};
    return NVML_SUCCESS;
}

/* Ids of pynvml.py (NVML_GPM_METRIC_*); percent. */
static nvmlReturn_t metric(const struct gpu *gpu, double busy, struct nvml_gpm_metric *entry) {
    switch (entry->metric) {
    case 1: entry->value = 100 * busy; break;
    case 2: entry->value = busy * (double)gpu->gpm_sm_permille / 10; break;
    case 5: entry->value = busy * (double)gpu->gpm_tensor_permille / 10; break;
    case 10: entry->value = busy * (double)gpu->gpm_memory_bandwidth_permille / 10; break;
    default: return NVML_NOT_SUPPORTED;
    }
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlGpmMetricsGet(struct nvml_gpm_metrics_get *get) {
    SYSTEM(nvmlGpmMetricsGet);
    if (get->version != GPM_METRICS_GET_V1) return NVML_ARGUMENT_VERSION_MISMATCH;
    if (!get->first || !get->second || get->first->gpu != get->second->gpu ||
        get->second->taken - get->first->taken < LEAST_SECONDS)
        return NVML_INVALID_ARGUMENT;
    const struct gpu *gpu = &gate_script()->gpu[get->first->gpu];
    double busy = busy_ratio(gpu, get->first->taken, get->second->taken);
    for (uint32_t i = 0; i < get->count; i++) get->metrics[i].result = metric(gpu, busy, &get->metrics[i]);
    return NVML_SUCCESS;
}
