/* The stand-in's own nouns: a script (what every GPU shall say) and the gate each call passes. */
#ifndef STAND_IN_H
#define STAND_IN_H

#include "nvml_abi.h"

enum { MAX_GPUS = 16, MAX_PROCESSES = 256, MAX_MIG = 7, MAX_SAMPLES = 256, MAX_FIELD_FAULTS = 64, TEXT = 96 };

#define FUNCTIONS(X)                                                                             \
    X(nvmlInit_v2) X(nvmlShutdown) X(nvmlSystemGetDriverVersion) X(nvmlSystemGetNVMLVersion)     \
    X(nvmlSystemGetCudaDriverVersion_v2) X(nvmlDeviceGetCount_v2)                                \
    X(nvmlDeviceGetHandleByIndex_v2) X(nvmlDeviceGetHandleByUUID)                                \
    X(nvmlDeviceGetHandleByPciBusId_v2) X(nvmlDeviceGetIndex) X(nvmlDeviceGetName)               \
    X(nvmlDeviceGetUUID) X(nvmlDeviceGetSerial) X(nvmlDeviceGetMinorNumber)                      \
    X(nvmlDeviceGetPciInfo_v3) X(nvmlDeviceGetMemoryInfo) X(nvmlDeviceGetMemoryInfo_v2)          \
    X(nvmlDeviceGetBAR1MemoryInfo) X(nvmlDeviceGetUtilizationRates) X(nvmlDeviceGetSamples)      \
    X(nvmlDeviceGetEncoderUtilization) X(nvmlDeviceGetDecoderUtilization)                        \
    X(nvmlDeviceGetComputeRunningProcesses) X(nvmlDeviceGetComputeRunningProcesses_v2)           \
    X(nvmlDeviceGetComputeRunningProcesses_v3) X(nvmlDeviceGetGraphicsRunningProcesses)          \
    X(nvmlDeviceGetGraphicsRunningProcesses_v2) X(nvmlDeviceGetGraphicsRunningProcesses_v3)      \
    X(nvmlDeviceGetMPSComputeRunningProcesses) X(nvmlDeviceGetMPSComputeRunningProcesses_v2)     \
    X(nvmlDeviceGetMPSComputeRunningProcesses_v3) X(nvmlDeviceGetProcessUtilization)             \
    X(nvmlDeviceGetProcessesUtilizationInfo) X(nvmlDeviceGetTemperature)                         \
    X(nvmlDeviceGetTemperatureV) X(nvmlDeviceGetTemperatureThreshold) X(nvmlDeviceGetPowerUsage) \
    X(nvmlDeviceGetEnforcedPowerLimit) X(nvmlDeviceGetPowerManagementLimit)                      \
    X(nvmlDeviceGetTotalEnergyConsumption) X(nvmlDeviceGetClockInfo)                             \
    X(nvmlDeviceGetMaxClockInfo) X(nvmlDeviceGetNumFans) X(nvmlDeviceGetFanSpeed)                \
    X(nvmlDeviceGetFanSpeed_v2) X(nvmlDeviceGetCurrPcieLinkGeneration)                           \
    X(nvmlDeviceGetCurrPcieLinkWidth) X(nvmlDeviceGetMaxPcieLinkGeneration)                      \
    X(nvmlDeviceGetMaxPcieLinkWidth) X(nvmlDeviceGetPcieThroughput) X(nvmlDeviceGetFieldValues)  \
    X(nvmlDeviceGetCurrentClocksThrottleReasons) X(nvmlDeviceGetCurrentClocksEventReasons)       \
    X(nvmlDeviceGetTotalEccErrors) X(nvmlDeviceGetEccMode) X(nvmlDeviceGetPerformanceState)      \
    X(nvmlDeviceGetPowerState) X(nvmlDeviceGetPersistenceMode) X(nvmlDeviceGetComputeMode)       \
    X(nvmlDeviceGetDisplayActive) X(nvmlDeviceGetDisplayMode) X(nvmlDeviceGetMigMode)            \
    X(nvmlDeviceGetMaxMigDeviceCount) X(nvmlDeviceGetMigDeviceHandleByIndex)                     \
    X(nvmlDeviceIsMigDeviceHandle) X(nvmlDeviceGetGpuInstanceId)                                 \
    X(nvmlDeviceGetComputeInstanceId) X(nvmlDeviceGetDeviceHandleFromMigDeviceHandle)            \
    X(nvmlDeviceGetCudaComputeCapability) X(nvmlDeviceGetDriverModel)                            \
    X(nvmlDeviceGetMarginTemperature) X(nvmlGpmQueryDeviceSupport) X(nvmlGpmSampleAlloc)         \
    X(nvmlGpmSampleFree) X(nvmlGpmSampleGet) X(nvmlGpmMetricsGet)

enum function {
#define X(name) F_##name,
    FUNCTIONS(X)
#undef X
    FUNCTION_COUNT
};

/* Every number a script can set for a GPU, with what it is when the script is silent. */
#define NUMBERS(X)                                                                                    \
    X(memory_total_bytes, 12884901888u) X(memory_used_bytes, 0) X(memory_reserved_bytes, 264241152u)  \
    X(bar1_total_bytes, 268435456u) X(bar1_used_bytes, 4194304u)                                      \
    X(busy_percent, 0) X(memory_busy_percent, 0) X(encoder_percent, 0) X(decoder_percent, 0)          \
    X(wave_amplitude_percent, 0) X(wave_period_microseconds, 7000000) X(moving, 0)                    \
    X(sample_period_microseconds, 166000) X(sample_depth, 100)                                        \
    X(temperature_celsius, 61) X(temperature_slowdown_celsius, 95) X(temperature_shutdown_celsius, 98)\
    X(power_milliwatts, 141200) X(power_average_milliwatts, 140000) X(power_limit_milliwatts, 170000) \
    X(energy_millijoules, 0) X(energy_millijoules_per_second, 140000)                                 \
    X(sm_clock_megahertz, 1777) X(memory_clock_megahertz, 7300) X(video_clock_megahertz, 1500)        \
    X(sm_clock_max_megahertz, 2100) X(memory_clock_max_megahertz, 7501)                               \
    X(fans, 1) X(fan_percent, 47)                                                                     \
    X(pcie_generation, 4) X(pcie_width, 16) X(pcie_generation_max, 4) X(pcie_width_max, 16)           \
    X(pcie_transmitted_bytes, 0) X(pcie_received_bytes, 0)                                            \
    X(pcie_transmitted_bytes_per_second, 20000000) X(pcie_received_bytes_per_second, 180000000)       \
    X(throttle_power_nanoseconds, 0) X(throttle_software_thermal_nanoseconds, 0)                      \
    X(throttle_hardware_thermal_nanoseconds, 0) X(throttle_power_brake_nanoseconds, 0)                \
    X(throttle_thermal_nanoseconds, 0)                                                                \
    X(throttle_reasons, 0) X(ecc_enabled, 0) X(ecc_corrected, 0) X(ecc_uncorrected, 0)                \
    X(performance_state, 2) X(persistence_mode, 0) X(mig_mode, 0) X(mig_devices_max, 7) X(mig_refuses_gpu, 0)               \
    X(compute_capability_major, 8) X(compute_capability_minor, 6) X(process_v3_of_535, 0)   \
    X(gpm_supported, 0) X(gpm_sm_permille, 0) X(gpm_tensor_permille, 0)                               \
    X(gpm_memory_bandwidth_permille, 0)

enum process_kind { COMPUTE, GRAPHICS, MPS };

struct process {
    enum process_kind kind;
    uint32_t pid;
    uint64_t used_memory;
    uint32_t sm_percent, gpu_instance, compute_instance;
};

struct mig_device {
    char uuid[TEXT];
    uint32_t gpu_instance, compute_instance;
    uint64_t memory_total_bytes, memory_used_bytes;
};

struct gpu {
#define X(name, standard) uint64_t name;
    NUMBERS(X)
#undef X
    char name[TEXT], uuid[TEXT], serial[TEXT];
    char timeline[256];
    double lost_at; /* CLOCK_REALTIME seconds; negative: never */
    int index, processes, mig_devices, samples, records;
    struct process process[MAX_PROCESSES];
    struct mig_device mig_device[MAX_MIG];
    struct nvml_sample sample[MAX_SAMPLES];             /* scripted one by one, else generated */
    struct nvml_process_utilization record[MAX_SAMPLES]; /* likewise */
};

struct fault {
    int error;
    uint32_t every; /* 1: each call, 2: each second one */
};

struct field_fault {
    uint32_t field;
    int gpu, error; /* gpu -1: all */
};

struct script {
    int gpus, init_error, cuda_version, field_faults;
    double clock; /* frozen CLOCK_REALTIME seconds; negative: the real one */
    char driver_version[TEXT], nvml_version[TEXT];
    uint32_t delay_us[FUNCTION_COUNT];
    struct fault fault[FUNCTION_COUNT][MAX_GPUS];
    struct field_fault field_fault[MAX_FIELD_FAULTS];
    struct gpu gpu[MAX_GPUS];
};

/* A handle is the address of one of these. */
struct handle {
    uint32_t magic;
    int gpu, mig; /* mig -1: the GPU itself */
};
extern struct handle handles[MAX_GPUS][1 + MAX_MIG];

/* script.c */
void script_parse(struct script *script, char *text);
int function_by_name(const char *name);
int code_by_name(const char *name);

/* gate.c: counts the call, re-reads the script when it changed, waits, fails as scripted. */
const struct script *gate_script(void);
double gate_now(void);
double gate_elapsed(void);
nvmlReturn_t gate_system(enum function function);
nvmlReturn_t gate_device(enum function function, nvmlDevice_t device, const struct gpu **gpu,
                         const struct mig_device **mig);
nvmlReturn_t gate_init(void);
nvmlReturn_t gate_shutdown(void);

/* busy.c */
double busy_ratio(const struct gpu *gpu, double start, double end);
double busy_now(const struct gpu *gpu);
uint64_t moving(const struct gpu *gpu, uint64_t value);

/* timeline.c: the file a virtual GPU writes. */
struct timeline {
    double temperature_celsius, power_watts, sm_clock_hertz;
    uint64_t memory_used, memory_total, memory_reserved, process_memory_used;
    uint32_t pid;
    char name[64], uuid[48];
};
int timeline_read(const struct gpu *gpu, struct timeline *timeline);
double timeline_busy_ratio(const struct gpu *gpu, double start, double end);

#define SYSTEM(function)                                         \
    do {                                                         \
        nvmlReturn_t gate_result = gate_system(F_##function);    \
        if (gate_result != NVML_SUCCESS) return gate_result;     \
    } while (0)

#define DEVICE(function)                                                                \
    const struct gpu *gpu;                                                              \
    const struct mig_device *mig;                                                       \
    do {                                                                                \
        nvmlReturn_t gate_result = gate_device(F_##function, device, &gpu, &mig);       \
        if (gate_result != NVML_SUCCESS) return gate_result;                            \
    } while (0);                                                                        \
    (void)mig

#define EXPORT __attribute__((visibility("default")))

#endif
