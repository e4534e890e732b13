// A libnvidia-ml.so.1 of one GPU whose state is known, for nvml_test.cc. It lacks
// nvmlDeviceGetTemperature, and refuses to tell its utilisation, as some GPUs do.
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace {

enum { kSuccess = 0, kNotSupported = 3, kNotFound = 6, kInsufficientSize = 7 };
enum { kClockSm = 1, kClockMemory = 2, kProcesses = 40 };

int gpu;
bool is_begun = false;

struct Process {
  unsigned pid = 0;
  unsigned long long memory = 0;
  unsigned gpu_instance = 0;
  unsigned compute_instance = 0;
};

int find(bool is_it, void** device) {
  if (!is_begun || !is_it) return kNotFound;
  *device = &gpu;
  return kSuccess;
}

}  // namespace

extern "C" {

int nvmlInit_v2() {
  is_begun = true;
  return kSuccess;
}

int nvmlShutdown() {
  is_begun = false;
  return kSuccess;
}

const char* nvmlErrorString(int status) { return status == kNotFound ? "Not Found" : "?"; }

int nvmlSystemGetDriverVersion(char* text, unsigned length) {
  std::snprintf(text, length, "580.65.06");
  return kSuccess;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char* id, void** device) {
  return find(std::strcmp(id, "0000:1b:00.0") == 0, device);
}

int nvmlDeviceGetHandleByUUID(const char* uuid, void** device) {
  return find(std::strcmp(uuid, "GPU-1234") == 0, device);
}

int nvmlDeviceGetUUID(void* device, char* text, unsigned length) {
  if (device != &gpu) return kNotFound;
  std::snprintf(text, length, "GPU-1234");
  return kSuccess;
}

int nvmlDeviceGetClockInfo(void* device, unsigned type, unsigned* clock) {
  if (device != &gpu) return kNotFound;
  *clock = type == kClockSm ? 1755 : type == kClockMemory ? 3201 : 0;
  return kSuccess;
}

int nvmlDeviceGetMaxClockInfo(void* device, unsigned type, unsigned* clock) {
  if (device != &gpu || type != kClockSm) return kNotFound;
  *clock = 1980;
  return kSuccess;
}

int nvmlDeviceGetPowerUsage(void* device, unsigned* milliwatts) {
  if (device != &gpu) return kNotFound;
  *milliwatts = 612500;
  return kSuccess;
}

int nvmlDeviceGetEnforcedPowerLimit(void* device, unsigned* milliwatts) {
  if (device != &gpu) return kNotFound;
  *milliwatts = 700000;
  return kSuccess;
}

// Under the name before driver 535: power cap, and clocks that the user set.
int nvmlDeviceGetCurrentClocksThrottleReasons(void* device, unsigned long long* reasons) {
  if (device != &gpu) return kNotFound;
  *reasons = 0x6;
  return kSuccess;
}

int nvmlDeviceGetUtilizationRates(void*, void*) { return kNotSupported; }

// Eight links of NVLink 4 as an H800 has them, of 18 places.
int nvmlDeviceGetNvLinkState(void* device, unsigned link, unsigned* is_active) {
  if (device != &gpu) return kNotFound;
  *is_active = link < 8 ? 1 : 0;
  return kSuccess;
}

int nvmlDeviceGetNvLinkVersion(void* device, unsigned link, unsigned* version) {
  if (device != &gpu || link >= 8) return kNotFound;
  *version = 6;
  return kSuccess;
}

// Ourselves and 39 others: more than a first guess of how many there are.
int nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned* count, Process* processes) {
  if (device != &gpu) return kNotFound;
  const unsigned room = *count;
  *count = kProcesses;
  if (room < kProcesses) return kInsufficientSize;
  for (unsigned i = 0; i < kProcesses; ++i) {
    processes[i] = {.pid = i == 7 ? static_cast<unsigned>(getpid()) : 4000000000U + i};
  }
  return kSuccess;
}

}  // extern "C"
