/* Utilisation: constant, a triangle wave, or a virtual GPU's timeline; and the buffer of its samples. */
#include "stand_in.h"

#include <math.h>
#include <string.h>

static double triangle(double seconds, double period) {
    double phase = seconds / period - floor(seconds / period);
    return phase < 0.5 ? 4 * phase - 1 : 3 - 4 * phase;
}

double busy_ratio(const struct gpu *gpu, double start, double end) {
    if (gpu->timeline[0]) return timeline_busy_ratio(gpu, start, end);
    double ratio = (double)gpu->busy_percent / 100;
    if (gpu->wave_amplitude_percent)
        ratio += (double)gpu->wave_amplitude_percent / 100 *
                 triangle((start + end) / 2 + gpu->index, (double)gpu->wave_period_microseconds / 1e6);
    return ratio < 0 ? 0 : ratio;
}

/* The last whole sample period, which is what nvmlDeviceGetUtilizationRates reports. */
double busy_now(const struct gpu *gpu) {
    double period = (double)gpu->sample_period_microseconds / 1e6;
    double end = floor(gate_now() / period) * period;
    return busy_ratio(gpu, end - period, end);
}

/* With `moving` set a value sways by 10 %, so that a benchmark's screens have something to redraw. */
uint64_t moving(const struct gpu *gpu, uint64_t value) {
    if (!gpu->moving) return value;
    return (uint64_t)((double)value * (0.95 + 0.05 * triangle(gate_now() + gpu->index, 11)));
}

EXPORT nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, struct nvml_utilization *rates) {
    DEVICE(nvmlDeviceGetUtilizationRates);
    if (gpu->mig_mode) return NVML_NOT_SUPPORTED;
    rates->gpu = (uint32_t)lrint(busy_now(gpu) * 100);
    rates->memory = (uint32_t)gpu->memory_busy_percent;
    return NVML_SUCCESS;
}

static uint32_t scripted_samples(const struct gpu *gpu, uint64_t last_seen, struct nvml_sample *samples,
                                 uint32_t room) {
    uint32_t count = 0;
    for (int i = 0; i < gpu->samples && count < room; i++)
        if (gpu->sample[i].timestamp_us > last_seen) samples[count++] = gpu->sample[i];
    return count;
}

static uint32_t generated_samples(const struct gpu *gpu, uint64_t last_seen, struct nvml_sample *samples,
                                  uint32_t room) {
    uint64_t period = gpu->sample_period_microseconds, newest = (uint64_t)(gate_now() * 1e6) / period;
    uint64_t first = last_seen / period + 1, depth = gpu->sample_depth < room ? gpu->sample_depth : room;
    if (first + depth <= newest) first = newest - depth + 1;
    uint32_t count = 0;
    for (uint64_t n = first; n <= newest; n++, count++) {
        double end = (double)(n * period) / 1e6, start = (double)((n - 1) * period) / 1e6;
        memset(&samples[count], 0, sizeof *samples);
        samples[count].timestamp_us = n * period;
        samples[count].value.ui = (uint32_t)lrint(busy_ratio(gpu, start, end) * 100);
    }
    return count;
}

/* As the driver does: without a buffer the size one needs; with one the samples newer than `last_seen`. */
EXPORT nvmlReturn_t nvmlDeviceGetSamples(nvmlDevice_t device, int type, unsigned long long last_seen,
                                         int *value_type, uint32_t *count, struct nvml_sample *samples) {
    DEVICE(nvmlDeviceGetSamples);
    if (gpu->mig_mode || type != 1) return NVML_NOT_SUPPORTED;
    *value_type = VALUE_UINT;
    uint32_t needed = (uint32_t)(gpu->sample_depth > MAX_SAMPLES ? gpu->sample_depth : MAX_SAMPLES);
    if (!samples) return *count = needed, NVML_SUCCESS;
    *count = gpu->samples ? scripted_samples(gpu, last_seen, samples, *count)
                          : generated_samples(gpu, last_seen, samples, *count);
    return *count ? NVML_SUCCESS : NVML_NOT_FOUND;
}

static nvmlReturn_t codec(uint64_t percent, uint32_t *utilization, uint32_t *period_us) {
    *utilization = (uint32_t)percent;
    *period_us = 167000;
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetEncoderUtilization(nvmlDevice_t device, uint32_t *percent, uint32_t *period_us) {
    DEVICE(nvmlDeviceGetEncoderUtilization);
    return gpu->mig_mode ? NVML_NOT_SUPPORTED : codec(gpu->encoder_percent, percent, period_us);
}

EXPORT nvmlReturn_t nvmlDeviceGetDecoderUtilization(nvmlDevice_t device, uint32_t *percent, uint32_t *period_us) {
    DEVICE(nvmlDeviceGetDecoderUtilization);
    return gpu->mig_mode ? NVML_NOT_SUPPORTED : codec(gpu->decoder_percent, percent, period_us);
}
