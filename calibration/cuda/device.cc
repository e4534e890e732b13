#include "calibration/cuda/device.h"

#include <cublasLt.h>
#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>

#include "calibration/cuda/handles.h"
#include "calibration/measure/fingerprint.h"

namespace planewise::calibration {
namespace {

std::string bus_id(int device) {
  char text[32] = {};
  PW_CUDA(cudaDeviceGetPCIBusId(text, sizeof text, device));
  return text;
}

/// As nvidia-smi prints it.
std::string uuid_text(const cudaUUID_t& uuid) {
  std::string text = "GPU";
  for (int i = 0; i < 16; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned char>(uuid.bytes[i]));
  }
  return text;
}

/// Headers' and library's versions where they differ.
std::string both(const std::string& header, const std::string& library) {
  return header == library ? library : fmt::format("{} (built with {})", library, header);
}

void add_libraries(Environment& e) {
  constexpr std::int64_t kCudaMajor = 1000;
  constexpr std::int64_t kCublasMajor = 10000;
  int runtime = 0;
  PW_CUDA(cudaRuntimeGetVersion(&runtime));
  e.libraries["cudart"] =
      both(version_text(CUDART_VERSION, kCudaMajor), version_text(runtime, kCudaMajor));
  e.libraries["cublasLt"] =
      both(version_text(CUBLAS_VERSION, kCublasMajor),
           version_text(static_cast<std::int64_t>(cublasLtGetVersion()), kCublasMajor));
}

}  // namespace

std::string version_text(std::int64_t number, std::int64_t per_major) {
  const std::int64_t rest = number % per_major;
  const std::int64_t per_minor = per_major / 100;
  if (per_minor >= 100) {
    return fmt::format("{}.{}.{}", number / per_major, rest / per_minor, rest % per_minor);
  }
  return fmt::format("{}.{}", number / per_major, rest / per_minor);
}

int input_sets(std::int64_t bytes_a_set, std::int64_t l2_bytes, std::int64_t free_bytes) {
  constexpr std::int64_t kMost = 64;
  constexpr std::int64_t kCaches = 3;
  if (bytes_a_set <= 0) return kMost;
  const std::int64_t wanted =
      std::clamp<std::int64_t>((kCaches * l2_bytes + bytes_a_set - 1) / bytes_a_set, 2, kMost);
  return static_cast<int>(std::min(wanted, free_bytes / 2 / bytes_a_set));
}

std::variant<std::unique_ptr<Device>, NotMeasured> Device::open(int index) {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess) {
    cudaGetLastError();  // so that it is not found again
    return NotMeasured{status == cudaErrorNoDevice || status == cudaErrorInsufficientDriver
                           ? "no GPU"
                           : fmt::format("no GPU: {}", cudaGetErrorString(status))};
  }
  if (index >= count) {
    return NotMeasured{
        fmt::format("no GPU {}: there {} {}, from 0", index, count == 1 ? "is" : "are", count)};
  }
  PW_CUDA(cudaSetDevice(index));
  cudaDeviceProp properties{};
  PW_CUDA(cudaGetDeviceProperties(&properties, index));
  auto device = std::unique_ptr<Device>(new Device);
  device->capability_ = properties.major * 10 + properties.minor;
  device->l2_bytes_ = properties.l2CacheSize;
  device->clock_khz_ = device_attribute(cudaDevAttrClockRate);
  std::string no_nvml;  // telemetry is zeros then
  device->nvml_ = Nvml::open(bus_id(index), no_nvml);

  Environment& e = device->environment_;
  e = host_environment("");
  e.backend = "cuda";
  e.gpu = properties.name;
  e.gpu_id = sha256(uuid_text(properties.uuid)).substr(0, 12);
  e.compute_capability = fmt::format("{}.{}", properties.major, properties.minor);
  e.sms = properties.multiProcessorCount;
  e.memory = bytes(static_cast<double>(properties.totalGlobalMem));
  e.l2 = bytes(static_cast<double>(properties.l2CacheSize));
  e.compiler += fmt::format(", CUDA {}.{}", CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
  int driver = 0;
  PW_CUDA(cudaDriverGetVersion(&driver));
  e.driver = "CUDA " + version_text(driver, 1000);
  add_libraries(e);
  if (const Nvml* nvml = device->nvml_.get()) {
    e.driver = nvml->driver().value_or(e.driver);
    e.clock_mhz_max = nvml->sm_clock_mhz_max().value_or(0);
    e.power_limit_w = nvml->power_limit_w().value_or(0);
  }
  if (e.clock_mhz_max == 0) e.clock_mhz_max = static_cast<int>(device->clock_khz_ / 1000);
  return device;
}

Telemetry Device::telemetry() const { return nvml_ ? nvml_->telemetry() : Telemetry{}; }

std::int64_t Device::free_bytes() const {
  std::size_t free = 0;
  std::size_t all = 0;
  PW_CUDA(cudaMemGetInfo(&free, &all));
  return static_cast<std::int64_t>(free);
}

}  // namespace planewise::calibration
