/* The part of NVML's binary interface that the stand-in offers: types, codes and struct layouts.
 *
 * Layouts and version numbers are those which nvidia-ml-py 13.615 (pynvml.py) declares.
 */
#ifndef NVML_ABI_H
#define NVML_ABI_H

#include <stdint.h>

typedef int nvmlReturn_t;
typedef void *nvmlDevice_t;

#define RETURN_CODES(X)                \
    X(SUCCESS, 0)                      \
    X(UNINITIALIZED, 1)                \
    X(INVALID_ARGUMENT, 2)             \
    X(NOT_SUPPORTED, 3)                \
    X(NO_PERMISSION, 4)                \
    X(ALREADY_INITIALIZED, 5)          \
    X(NOT_FOUND, 6)                    \
    X(INSUFFICIENT_SIZE, 7)            \
    X(INSUFFICIENT_POWER, 8)           \
    X(DRIVER_NOT_LOADED, 9)            \
    X(TIMEOUT, 10)                     \
    X(IRQ_ISSUE, 11)                   \
    X(LIBRARY_NOT_FOUND, 12)           \
    X(FUNCTION_NOT_FOUND, 13)          \
    X(CORRUPTED_INFOROM, 14)           \
    X(GPU_IS_LOST, 15)                 \
    X(RESET_REQUIRED, 16)              \
    X(OPERATING_SYSTEM, 17)            \
    X(LIB_RM_VERSION_MISMATCH, 18)     \
    X(IN_USE, 19)                      \
    X(MEMORY, 20)                      \
    X(NO_DATA, 21)                     \
    X(VGPU_ECC_NOT_SUPPORTED, 22)      \
    X(INSUFFICIENT_RESOURCES, 23)      \
    X(FREQ_NOT_SUPPORTED, 24)          \
    X(ARGUMENT_VERSION_MISMATCH, 25)   \
    X(DEPRECATED, 26)                  \
    X(NOT_READY, 27)                   \
    X(GPU_NOT_FOUND, 28)               \
    X(INVALID_STATE, 29)               \
    X(UNKNOWN, 999)

enum return_code {
#define X(name, value) NVML_##name = value,
    RETURN_CODES(X)
#undef X
};

#define NOT_AVAILABLE_64 UINT64_MAX
#define NOT_AVAILABLE_32 UINT32_MAX

enum value_type { VALUE_DOUBLE, VALUE_UINT, VALUE_ULONG, VALUE_ULONG_LONG };

union nvml_value {
    double d;
    uint32_t ui;
    uint64_t ull;
};

struct nvml_memory {
    uint64_t total, free, used;
};

struct nvml_memory_v2 {
    uint32_t version;
    uint64_t total, reserved, free, used;
};
#define MEMORY_V2 0x02000028u

struct nvml_pci_info {
    char bus_id_legacy[16];
    uint32_t domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
};

struct nvml_process_v1 {
    uint32_t pid;
    uint64_t used_memory;
};

struct nvml_process_v2 {
    uint32_t pid;
    uint64_t used_memory;
    uint32_t gpu_instance, compute_instance;
};

/* What drivers 535.43 to 535.86 wrote for _v3: 8 bytes more, the version not raised. */
struct nvml_process_v3_of_535 {
    struct nvml_process_v2 process;
    uint64_t protected_memory;
};

struct nvml_utilization {
    uint32_t gpu, memory;
};

struct nvml_sample {
    uint64_t timestamp_us;
    union nvml_value value;
};

struct nvml_field_value {
    uint32_t field, scope;
    int64_t timestamp_us, latency_us;
    uint32_t value_type;
    nvmlReturn_t result;
    union nvml_value value;
};

struct nvml_process_utilization {
    uint32_t pid;
    uint64_t timestamp_us;
    uint32_t sm, memory, encoder, decoder;
};

struct nvml_process_utilization_info {
    uint64_t timestamp_us;
    uint32_t pid, sm, memory, encoder, decoder, jpeg, ofa;
};

struct nvml_processes_utilization_info {
    uint32_t version, count;
    uint64_t last_seen_us;
    struct nvml_process_utilization_info *records;
};
#define PROCESSES_UTILIZATION_V1 0x01000018u

struct nvml_temperature_v1 {
    uint32_t version, sensor;
    int32_t celsius;
};
#define TEMPERATURE_V1 0x0100000Cu

struct nvml_margin_temperature_v1 {
    uint32_t version;
    int32_t celsius;
};
#define MARGIN_TEMPERATURE_V1 0x01000008u

struct nvml_bar1_memory {
    uint64_t total, free, used;
};

struct nvml_gpm_support {
    uint32_t version, is_supported;
};
#define GPM_SUPPORT_V1 1u

/* Opaque to programs: what a sample holds is the stand-in's own. */
struct nvml_gpm_sample {
    int gpu;
    double taken;
};

struct nvml_gpm_metric {
    uint32_t metric;
    nvmlReturn_t result;
    double value;
    const char *short_name, *long_name, *unit;
};

struct nvml_gpm_metrics_get {
    uint32_t version, count;
    struct nvml_gpm_sample *first, *second;
    struct nvml_gpm_metric metrics[];
};
#define GPM_METRICS_GET_V1 1u

#endif
