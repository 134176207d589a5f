/* Init, versions, handles, identity. */
#include "stand_in.h"

#include <stdio.h>
#include <string.h>

EXPORT nvmlReturn_t nvmlInit_v2(void) { return gate_init(); }
EXPORT nvmlReturn_t nvmlInit(void) { return gate_init(); }
EXPORT nvmlReturn_t nvmlInitWithFlags(unsigned flags) { return (void)flags, gate_init(); }
EXPORT nvmlReturn_t nvmlShutdown(void) { return gate_shutdown(); }

EXPORT const char *nvmlErrorString(nvmlReturn_t result) {
    switch (result) {
#define X(name, value) \
    case value: return #name;
        RETURN_CODES(X)
#undef X
    default: return "Unknown Error";
    }
}

static nvmlReturn_t answer(char *buffer, uint32_t size, const char *text) {
    if (size <= strlen(text)) return NVML_INSUFFICIENT_SIZE;
    memcpy(buffer, text, strlen(text) + 1);
    return NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlSystemGetDriverVersion(char *buffer, uint32_t size) {
    SYSTEM(nvmlSystemGetDriverVersion);
    return answer(buffer, size, gate_script()->driver_version);
}

EXPORT nvmlReturn_t nvmlSystemGetNVMLVersion(char *buffer, uint32_t size) {
    SYSTEM(nvmlSystemGetNVMLVersion);
    return answer(buffer, size, gate_script()->nvml_version);
}

EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
    SYSTEM(nvmlSystemGetCudaDriverVersion_v2);
    return *version = gate_script()->cuda_version, NVML_SUCCESS;
}
EXPORT nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version) { return nvmlSystemGetCudaDriverVersion_v2(version); }

EXPORT nvmlReturn_t nvmlDeviceGetCount_v2(uint32_t *count) {
    SYSTEM(nvmlDeviceGetCount_v2);
    return *count = (uint32_t)gate_script()->gpus, NVML_SUCCESS;
}
EXPORT nvmlReturn_t nvmlDeviceGetCount(uint32_t *count) { return nvmlDeviceGetCount_v2(count); }

static nvmlReturn_t handle_of(enum function function, int index, int mig, nvmlDevice_t *device) {
    const struct gpu *gpu;
    const struct mig_device *unused;
    nvmlReturn_t result = gate_device(function, &handles[index][0], &gpu, &unused);
    if (!result) *device = &handles[index][mig + 1];
    return result;
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(uint32_t index, nvmlDevice_t *device) {
    if (index >= (uint32_t)gate_script()->gpus) return NVML_INVALID_ARGUMENT;
    return handle_of(F_nvmlDeviceGetHandleByIndex_v2, (int)index, -1, device);
}
EXPORT nvmlReturn_t nvmlDeviceGetHandleByIndex(uint32_t index, nvmlDevice_t *device) {
    return nvmlDeviceGetHandleByIndex_v2(index, device);
}

static const char *uuid_of(const struct gpu *gpu) {
    static _Thread_local struct timeline timeline;
    return timeline_read(gpu, &timeline) && timeline.uuid[0] ? timeline.uuid : gpu->uuid;
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device) {
    const struct script *script = gate_script();
    for (int i = 0; i < script->gpus; i++) {
        const struct gpu *gpu = &script->gpu[i];
        if (strcmp(uuid_of(gpu), uuid) == 0) return handle_of(F_nvmlDeviceGetHandleByUUID, i, -1, device);
        for (int mig = 0; mig < gpu->mig_devices; mig++)
            if (strcmp(gpu->mig_device[mig].uuid, uuid) == 0)
                return handle_of(F_nvmlDeviceGetHandleByUUID, i, mig, device);
    }
    return NVML_NOT_FOUND;
}

static void bus_id(const struct gpu *gpu, char *text, size_t size) {
    snprintf(text, size, "00000000:%02X:00.0", (unsigned)gpu->index + 1);
}

EXPORT nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *id, nvmlDevice_t *device) {
    const struct script *script = gate_script();
    char own[32];
    for (int i = 0; i < script->gpus; i++) {
        bus_id(&script->gpu[i], own, sizeof own);
        if (strcmp(own, id) == 0 || strcmp(own + 4, id) == 0)
            return handle_of(F_nvmlDeviceGetHandleByPciBusId_v2, i, -1, device);
    }
    return NVML_NOT_FOUND;
}

EXPORT nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, uint32_t *index) {
    DEVICE(nvmlDeviceGetIndex);
    return *index = (uint32_t)gpu->index, NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t device, uint32_t *minor) {
    DEVICE(nvmlDeviceGetMinorNumber);
    return *minor = (uint32_t)gpu->index, NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *buffer, uint32_t size) {
    DEVICE(nvmlDeviceGetName);
    struct timeline timeline;
    return answer(buffer, size, timeline_read(gpu, &timeline) && timeline.name[0] ? timeline.name : gpu->name);
}

EXPORT nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *buffer, uint32_t size) {
    DEVICE(nvmlDeviceGetUUID);
    return answer(buffer, size, mig ? mig->uuid : uuid_of(gpu));
}

EXPORT nvmlReturn_t nvmlDeviceGetSerial(nvmlDevice_t device, char *buffer, uint32_t size) {
    DEVICE(nvmlDeviceGetSerial);
    return gpu->serial[0] ? answer(buffer, size, gpu->serial) : NVML_NOT_SUPPORTED;
}

EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, struct nvml_pci_info *info) {
    DEVICE(nvmlDeviceGetPciInfo_v3);
    memset(info, 0, sizeof *info);
    bus_id(gpu, info->bus_id, sizeof info->bus_id);
    memcpy(info->bus_id_legacy, info->bus_id + 4, strlen(info->bus_id + 4) + 1);
    info->bus = (uint32_t)gpu->index + 1;
    info->device_id = 0x250310DE;
    info->subsystem_id = 0x397D1462;
    return NVML_SUCCESS;
}
EXPORT nvmlReturn_t nvmlDeviceGetPciInfo_v2(nvmlDevice_t device, struct nvml_pci_info *info) {
    return nvmlDeviceGetPciInfo_v3(device, info);
}
EXPORT nvmlReturn_t nvmlDeviceGetPciInfo(nvmlDevice_t device, struct nvml_pci_info *info) {
    return nvmlDeviceGetPciInfo_v3(device, info);
}

EXPORT nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, uint32_t *now, uint32_t *pending) {
    DEVICE(nvmlDeviceGetMigMode);
    return *now = *pending = (uint32_t)gpu->mig_mode, NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, uint32_t *count) {
    DEVICE(nvmlDeviceGetMaxMigDeviceCount);
    return *count = gpu->mig_mode ? (uint32_t)gpu->mig_devices_max : 0, NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, uint32_t index, nvmlDevice_t *found) {
    DEVICE(nvmlDeviceGetMigDeviceHandleByIndex);
    if (index >= (uint32_t)gpu->mig_devices) return NVML_NOT_FOUND;
    return *found = &handles[gpu->index][index + 1], NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, uint32_t *is_mig) {
    DEVICE(nvmlDeviceIsMigDeviceHandle);
    return *is_mig = mig != NULL, NVML_SUCCESS;
}

EXPORT nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, uint32_t *id) {
    DEVICE(nvmlDeviceGetGpuInstanceId);
    return mig ? (*id = mig->gpu_instance, NVML_SUCCESS) : NVML_INVALID_ARGUMENT;
}

EXPORT nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t device, uint32_t *id) {
    DEVICE(nvmlDeviceGetComputeInstanceId);
    return mig ? (*id = mig->compute_instance, NVML_SUCCESS) : NVML_INVALID_ARGUMENT;
}

EXPORT nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t device, nvmlDevice_t *found) {
    DEVICE(nvmlDeviceGetDeviceHandleFromMigDeviceHandle);
    return mig ? (*found = &handles[gpu->index][0], NVML_SUCCESS) : NVML_INVALID_ARGUMENT;
}
