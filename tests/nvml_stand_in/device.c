/* Temperature, power, clocks, fan, PCIe, throttling, ECC, states and field values. */
#include "stand_in.h"

#include <math.h>
#include <string.h>

static uint32_t temperature(const struct gpu *gpu) {
    struct timeline timeline;
    if (timeline_read(gpu, &timeline) && timeline.temperature_celsius > 0)
        return (uint32_t)lrint(timeline.temperature_celsius);
    return (uint32_t)moving(gpu, gpu->temperature_celsius);
}

static uint32_t power(const struct gpu *gpu, uint64_t scripted) {
    struct timeline timeline;
    if (timeline_read(gpu, &timeline) && timeline.power_watts > 0) return (uint32_t)lrint(timeline.power_watts * 1000);
    return (uint32_t)moving(gpu, scripted);
}

static uint32_t sm_clock(const struct gpu *gpu) {
    struct timeline timeline;
    if (timeline_read(gpu, &timeline) && timeline.sm_clock_hertz > 0)
        return (uint32_t)lrint(timeline.sm_clock_hertz / 1e6);
    return (uint32_t)moving(gpu, gpu->sm_clock_megahertz);
}

static uint64_t grown(uint64_t value, uint64_t per_second) {
    return value + (uint64_t)((double)per_second * gate_elapsed());
}

static uint64_t energy(const struct gpu *gpu) {
    return grown(gpu->energy_millijoules, gpu->energy_millijoules_per_second);
}

#define NUMBER(function, expression)                                         \
    EXPORT nvmlReturn_t function(nvmlDevice_t device, uint32_t *value) {     \
        DEVICE(function);                                                    \
        *value = (uint32_t)(expression);                                     \
        return NVML_SUCCESS;                                                 \
    }

NUMBER(nvmlDeviceGetPowerUsage, power(gpu, gpu->power_milliwatts))
NUMBER(nvmlDeviceGetEnforcedPowerLimit, gpu->power_limit_milliwatts)
NUMBER(nvmlDeviceGetPowerManagementLimit, gpu->power_limit_milliwatts)
NUMBER(nvmlDeviceGetNumFans, gpu->fans)
NUMBER(nvmlDeviceGetCurrPcieLinkGeneration, gpu->pcie_generation)
NUMBER(nvmlDeviceGetCurrPcieLinkWidth, gpu->pcie_width)
NUMBER(nvmlDeviceGetMaxPcieLinkGeneration, gpu->pcie_generation_max)
NUMBER(nvmlDeviceGetMaxPcieLinkWidth, gpu->pcie_width_max)
NUMBER(nvmlDeviceGetPerformanceState, gpu->performance_state)
NUMBER(nvmlDeviceGetPowerState, gpu->performance_state)
NUMBER(nvmlDeviceGetPersistenceMode, gpu->persistence_mode)
NUMBER(nvmlDeviceGetComputeMode, 0)
NUMBER(nvmlDeviceGetDisplayActive, 0)
NUMBER(nvmlDeviceGetDisplayMode, 0)

EXPORT nvmlReturn_t nvmlDeviceGetFanSpeed(nvmlDevice_t device, uint32_t *percent) {
    DEVICE(nvmlDeviceGetFanSpeed);
    return gpu->fans ? (*percent = (uint32_t)gpu->fan_percent, NVML_SUCCESS) : NVML_NOT_SUPPORTED;
}

EXPORT nvmlReturn_t nvmlDeviceGetFanSpeed_v2(nvmlDevice_t device, uint32_t fan, uint32_t *percent) {
    DEVICE(nvmlDeviceGetFanSpeed_v2);
    return fan < gpu->fans ? (*percent = (uint32_t)gpu->fan_percent, NVML_SUCCESS) : NVML_INVALID_ARGUMENT;
}

EXPORT nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, uint32_t sensor, uint32_t *celsius) {
    DEVICE(nvmlDeviceGetTemperature);
    return sensor ? NVML_INVALID_ARGUMENT : (*celsius = temperature(gpu), NVML_SUCCESS);
}

EXPORT nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, struct nvml_temperature_v1 *reading) {
    DEVICE(nvmlDeviceGetTemperatureV);
    if (reading->version != TEMPERATURE_V1) return NVML_ARGUMENT_VERSION_MISMATCH;
    return reading->celsius = (int32_t)temperature(gpu), NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMarginTemperature(nvmlDevice_t device, struct nvml_margin_temperature_v1 *margin) {
    DEVICE(nvmlDeviceGetMarginTemperature);
    if (margin->version != MARGIN_TEMPERATURE_V1) return NVML_ARGUMENT_VERSION_MISMATCH;
    margin->celsius = (int32_t)gpu->temperature_slowdown_celsius - (int32_t)temperature(gpu);
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t device, uint32_t threshold, uint32_t *celsius) {
    DEVICE(nvmlDeviceGetTemperatureThreshold);
    if (threshold > 1) return NVML_NOT_SUPPORTED;
    *celsius = (uint32_t)(threshold ? gpu->temperature_slowdown_celsius : gpu->temperature_shutdown_celsius);
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *millijoules) {
    DEVICE(nvmlDeviceGetTotalEnergyConsumption);
    return *millijoules = energy(gpu), NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, uint32_t type, uint32_t *megahertz) {
    DEVICE(nvmlDeviceGetClockInfo);
    if (type > 3) return NVML_INVALID_ARGUMENT;
    *megahertz = type == 2   ? (uint32_t)gpu->memory_clock_megahertz
                 : type == 3 ? (uint32_t)gpu->video_clock_megahertz
                             : sm_clock(gpu);
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, uint32_t type, uint32_t *megahertz) {
    DEVICE(nvmlDeviceGetMaxClockInfo);
    if (type > 3) return NVML_INVALID_ARGUMENT;
    *megahertz = (uint32_t)(type == 2 ? gpu->memory_clock_max_megahertz : gpu->sm_clock_max_megahertz);
    return NVML_SUCCESS;
}

/* KiB/s over 20 ms, as the driver; the 20 ms themselves are a `delay` of the script. */
EXPORT nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t device, uint32_t counter, uint32_t *kibibytes) {
    DEVICE(nvmlDeviceGetPcieThroughput);
    *kibibytes = (uint32_t)((counter ? gpu->pcie_received_bytes_per_second : gpu->pcie_transmitted_bytes_per_second) / 1024);
    return NVML_SUCCESS;
}

#define REASONS(function)                                                               \
    EXPORT nvmlReturn_t function(nvmlDevice_t device, unsigned long long *reasons) {    \
        DEVICE(function);                                                               \
        return *reasons = gpu->throttle_reasons, NVML_SUCCESS;                          \
    }
REASONS(nvmlDeviceGetCurrentClocksThrottleReasons)
REASONS(nvmlDeviceGetCurrentClocksEventReasons)

EXPORT nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t device, uint32_t *now, uint32_t *pending) {
    DEVICE(nvmlDeviceGetEccMode);
    return *now = *pending = (uint32_t)gpu->ecc_enabled, NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, uint32_t type, uint32_t counter,
                                                unsigned long long *errors) {
    DEVICE(nvmlDeviceGetTotalEccErrors);
    (void)counter;
    if (!gpu->ecc_enabled) return NVML_NOT_SUPPORTED;
    return *errors = type ? gpu->ecc_uncorrected : gpu->ecc_corrected, NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
    DEVICE(nvmlDeviceGetCudaComputeCapability);
    *major = (int)gpu->compute_capability_major;
    *minor = (int)gpu->compute_capability_minor;
    return NVML_SUCCESS;
}

/* Driver models are Windows' own. */
EXPORT nvmlReturn_t nvmlDeviceGetDriverModel(nvmlDevice_t device, uint32_t *now, uint32_t *pending) {
    DEVICE(nvmlDeviceGetDriverModel);
    return *now = *pending = 0, NVML_NOT_SUPPORTED;
}
EXPORT nvmlReturn_t nvmlDeviceGetDriverModel_v2(nvmlDevice_t device, uint32_t *now, uint32_t *pending) {
    return nvmlDeviceGetDriverModel(device, now, pending);
}

/* Ids of pynvml.py (NVML_FI_DEV_*). */
static nvmlReturn_t field(const struct gpu *gpu, struct nvml_field_value *entry) {
    entry->value_type = VALUE_ULONG_LONG;
    switch (entry->field) {
    case 74: entry->value.ull = gpu->throttle_power_nanoseconds; break;
    case 75: entry->value.ull = gpu->throttle_thermal_nanoseconds; break;
    case 83: entry->value.ull = energy(gpu); break;
    case 185: entry->value_type = VALUE_UINT, entry->value.ui = power(gpu, gpu->power_average_milliwatts); break;
    case 186: entry->value_type = VALUE_UINT, entry->value.ui = power(gpu, gpu->power_milliwatts); break;
    case 197:
        entry->value.ull = grown(gpu->pcie_transmitted_bytes, gpu->pcie_transmitted_bytes_per_second);
        break;
    case 198: entry->value.ull = grown(gpu->pcie_received_bytes, gpu->pcie_received_bytes_per_second); break;
    case 269: entry->value.ull = gpu->throttle_software_thermal_nanoseconds; break;
    case 270: entry->value.ull = gpu->throttle_hardware_thermal_nanoseconds; break;
    case 271: entry->value.ull = gpu->throttle_power_brake_nanoseconds; break;
    default: return NVML_NOT_SUPPORTED;
    }
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, struct nvml_field_value *values) {
    DEVICE(nvmlDeviceGetFieldValues);
    const struct script *script = gate_script();
    for (int i = 0; i < count; i++) {
        values[i].timestamp_us = (int64_t)(gate_now() * 1e6);
        values[i].latency_us = 1;
        memset(&values[i].value, 0, sizeof values[i].value);
        values[i].result = field(gpu, &values[i]);
        for (int f = 0; f < script->field_faults; f++)
            if (script->field_fault[f].field == values[i].field &&
                (script->field_fault[f].gpu < 0 || script->field_fault[f].gpu == gpu->index))
                values[i].result = script->field_fault[f].error;
    }
    return NVML_SUCCESS;
}
