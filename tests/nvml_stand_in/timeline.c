/* Reads the file a virtual GPU writes: a header of 256 bytes, then a ring of busy intervals.
 *
 * Offsets: magic 0, version 8, capacity 12, written 16, memory used 24, total 32, reserved 40, pid 48,
 * flags 52, busy since 56, temperature 64, power 72, SM clock 80, name 88, uuid 152, process memory 200;
 * from 256 on slots of two doubles (start, end; CLOCK_REALTIME seconds). Little endian.
 */
#include "stand_in.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 256, SLOT = 16 };

struct mapping {
    char path[256];
    const char *bytes;
    size_t size;
    ino_t inode;
    int64_t looked_ms;
};
static struct mapping mappings[MAX_GPUS];

static uint64_t u64_at(const char *bytes, size_t offset) {
    uint64_t value;
    memcpy(&value, bytes + offset, sizeof value);
    return value;
}

static uint32_t u32_at(const char *bytes, size_t offset) {
    uint32_t value;
    memcpy(&value, bytes + offset, sizeof value);
    return value;
}

static double f64_at(const char *bytes, size_t offset) {
    double value;
    memcpy(&value, bytes + offset, sizeof value);
    return value;
}

/* Looks at most every 100 ms whether there is (another) file under that path. */
static int due(struct mapping *mapping) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    int64_t milliseconds = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (mapping->looked_ms && milliseconds - mapping->looked_ms < 100) return 0;
    return mapping->looked_ms = milliseconds, 1;
}

static void map_file(struct mapping *mapping, int file) {
    struct stat status;
    if (fstat(file, &status) != 0 || status.st_size < HEADER + SLOT) return;
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (bytes == MAP_FAILED) return;
    uint64_t slots = ((uint64_t)status.st_size - HEADER) / SLOT;
    if (memcmp(bytes, "GPUMONVG", 8) != 0 || u32_at(bytes, 8) != 1 || u32_at(bytes, 12) == 0 ||
        u32_at(bytes, 12) > slots) {
        munmap(bytes, (size_t)status.st_size);
        return;
    }
    mapping->bytes = bytes;
    mapping->size = (size_t)status.st_size;
    mapping->inode = status.st_ino;
}

static const char *map(const struct gpu *gpu) {
    struct mapping *mapping = &mappings[gpu->index];
    struct stat status;
    int same = strcmp(mapping->path, gpu->timeline) == 0;
    if (same && !due(mapping)) return mapping->bytes;
    if (same && mapping->bytes && stat(gpu->timeline, &status) == 0 && status.st_ino == mapping->inode)
        return mapping->bytes;
    if (mapping->bytes) munmap((void *)mapping->bytes, mapping->size);
    mapping->bytes = NULL;
    snprintf(mapping->path, sizeof mapping->path, "%s", gpu->timeline);
    int file = open(gpu->timeline, O_RDONLY | O_CLOEXEC);
    if (file < 0) return NULL;
    map_file(mapping, file);
    close(file);
    return mapping->bytes;
}

int timeline_read(const struct gpu *gpu, struct timeline *timeline) {
    const char *bytes = gpu->timeline[0] ? map(gpu) : NULL;
    if (!bytes) return 0;
    timeline->memory_used = u64_at(bytes, 24);
    timeline->memory_total = u64_at(bytes, 32);
    timeline->memory_reserved = u64_at(bytes, 40);
    timeline->pid = u32_at(bytes, 48);
    timeline->temperature_celsius = f64_at(bytes, 64);
    timeline->power_watts = f64_at(bytes, 72);
    timeline->sm_clock_hertz = f64_at(bytes, 80);
    memcpy(timeline->name, bytes + 88, 64);
    memcpy(timeline->uuid, bytes + 152, 48);
    timeline->name[63] = timeline->uuid[47] = '\0';
    timeline->process_memory_used = u64_at(bytes, 200);
    /* A driver forgets a process that has ended; so does this. */
    if (timeline->pid && kill((pid_t)timeline->pid, 0) != 0 && errno == ESRCH) {
        timeline->pid = 0;
        timeline->memory_used = timeline->process_memory_used = 0;
    }
    return 1;
}

static double overlap(double start, double end, double from, double to) {
    double low = start > from ? start : from, high = end < to ? end : to;
    return high > low ? high - low : 0;
}

double timeline_busy_ratio(const struct gpu *gpu, double start, double end) {
    const char *bytes = map(gpu);
    if (!bytes || end <= start) return 0;
    uint32_t capacity = u32_at(bytes, 12);
    /* Busy-since first: the writer stores the slot, then the count, then clears it. */
    double since = f64_at(bytes, 56), busy = 0;
    uint64_t written = u64_at(bytes, 16), oldest = written > capacity ? written - capacity : 0;
    struct timeline header;
    if (since > 0 && timeline_read(gpu, &header) && header.pid) busy += overlap(since, end, start, end);
    for (uint64_t n = written; n-- > oldest;) {
        size_t slot = HEADER + (size_t)(n % capacity) * SLOT;
        double from = f64_at(bytes, slot), to = f64_at(bytes, slot + 8);
        if (to <= start) break;
        if (since > 0 && from >= since) continue; /* that interval ended between the two reads */
        busy += overlap(from, to, start, end);
    }
    double ratio = busy / (end - start);
    return ratio > 1 ? 1 : ratio;
}
