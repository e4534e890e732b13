#include "calibration/telemetry/nvml.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

namespace planewise::calibration {
namespace {

using Status = int;  // nvmlReturn_t
constexpr Status kSuccess = 0;
constexpr Status kInsufficientSize = 7;
constexpr unsigned kClockSm = 1;      // nvmlClockType_t
constexpr unsigned kClockMemory = 2;  // nvmlClockType_t
constexpr unsigned kTemperatureGpu = 0;
constexpr unsigned kNvLinks = 18;   // NVML_NVLINK_MAX_LINKS
constexpr unsigned kTextMost = 96;  // as long as NVML's longest text buffer

/// nvmlUtilization_t.
struct Utilisation {
  unsigned gpu;
  unsigned memory;
};

/// nvmlProcessInfo_t of the functions that end in _v3.
struct Process {
  unsigned pid;
  unsigned long long memory;
  unsigned gpu_instance;
  unsigned compute_instance;
};

using GetNumber = Status(void*, unsigned*);
using GetTyped = Status(void*, unsigned, unsigned*);
using GetText = Status(void*, char*, unsigned);

}  // namespace

/// The functions that a library has; those it lacks are null.
struct Nvml::Library {
  void* handle = nullptr;
  bool is_begun = false;

  Status (*init)() = nullptr;
  Status (*shutdown)() = nullptr;
  const char* (*error_string)(Status) = nullptr;
  Status (*driver_version)(char*, unsigned) = nullptr;
  Status (*by_bus_id)(const char*, void**) = nullptr;
  Status (*by_uuid)(const char*, void**) = nullptr;
  GetText* uuid = nullptr;
  GetTyped* clock = nullptr;
  GetTyped* clock_most = nullptr;
  GetTyped* temperature = nullptr;
  GetNumber* power = nullptr;        // mW
  GetNumber* power_limit = nullptr;  // mW
  Status (*reasons)(void*, unsigned long long*) = nullptr;
  Status (*utilisation)(void*, Utilisation*) = nullptr;
  Status (*processes)(void*, unsigned*, Process*) = nullptr;
  GetTyped* nvlink_state = nullptr;
  GetTyped* nvlink_version = nullptr;

  Library() = default;
  ~Library() {
    if (is_begun && shutdown != nullptr) shutdown();
    if (handle != nullptr) ::dlclose(handle);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  void* symbol(const char* name) const { return ::dlsym(handle, name); }

  void find_all() {
    init = reinterpret_cast<decltype(init)>(symbol("nvmlInit_v2"));
    shutdown = reinterpret_cast<decltype(shutdown)>(symbol("nvmlShutdown"));
    error_string = reinterpret_cast<decltype(error_string)>(symbol("nvmlErrorString"));
    driver_version =
        reinterpret_cast<decltype(driver_version)>(symbol("nvmlSystemGetDriverVersion"));
    by_bus_id = reinterpret_cast<decltype(by_bus_id)>(symbol("nvmlDeviceGetHandleByPciBusId_v2"));
    by_uuid = reinterpret_cast<decltype(by_uuid)>(symbol("nvmlDeviceGetHandleByUUID"));
    uuid = reinterpret_cast<decltype(uuid)>(symbol("nvmlDeviceGetUUID"));
    clock = reinterpret_cast<decltype(clock)>(symbol("nvmlDeviceGetClockInfo"));
    clock_most = reinterpret_cast<decltype(clock_most)>(symbol("nvmlDeviceGetMaxClockInfo"));
    temperature = reinterpret_cast<decltype(temperature)>(symbol("nvmlDeviceGetTemperature"));
    power = reinterpret_cast<decltype(power)>(symbol("nvmlDeviceGetPowerUsage"));
    power_limit =
        reinterpret_cast<decltype(power_limit)>(symbol("nvmlDeviceGetEnforcedPowerLimit"));
    reasons = reinterpret_cast<decltype(reasons)>(symbol("nvmlDeviceGetCurrentClocksEventReasons"));
    // Its name before driver 535.
    if (reasons == nullptr)
      reasons =
          reinterpret_cast<decltype(reasons)>(symbol("nvmlDeviceGetCurrentClocksThrottleReasons"));
    utilisation = reinterpret_cast<decltype(utilisation)>(symbol("nvmlDeviceGetUtilizationRates"));
    processes =
        reinterpret_cast<decltype(processes)>(symbol("nvmlDeviceGetComputeRunningProcesses_v3"));
    nvlink_state = reinterpret_cast<decltype(nvlink_state)>(symbol("nvmlDeviceGetNvLinkState"));
    nvlink_version =
        reinterpret_cast<decltype(nvlink_version)>(symbol("nvmlDeviceGetNvLinkVersion"));
  }

  std::string what(Status status) const {
    return error_string == nullptr ? fmt::format("error {}", status) : error_string(status);
  }
};

namespace {

std::optional<unsigned> number(GetNumber* get, void* device) {
  unsigned value = 0;
  if (get == nullptr || get(device, &value) != kSuccess) return std::nullopt;
  return value;
}

std::optional<unsigned> number(GetTyped* get, void* device, unsigned type) {
  unsigned value = 0;
  if (get == nullptr || get(device, type, &value) != kSuccess) return std::nullopt;
  return value;
}

/// How many processes compute on the device, without this one; 0 if it does not tell.
int other_processes(Status (*get)(void*, unsigned*, Process*), void* device) {
  if (get == nullptr) return 0;
  std::vector<Process> processes(16);
  auto count = static_cast<unsigned>(processes.size());
  Status status = get(device, &count, processes.data());
  if (status == kInsufficientSize) {
    processes.resize(count + 16);  // some may have begun meanwhile
    count = static_cast<unsigned>(processes.size());
    status = get(device, &count, processes.data());
  }
  if (status != kSuccess) return 0;
  const auto end = processes.begin() + std::min<std::ptrdiff_t>(count, std::ssize(processes));
  const auto self = static_cast<unsigned>(::getpid());
  return static_cast<int>(std::count_if(
      processes.begin(), end, [self](const Process& process) { return process.pid != self; }));
}

/// Of one link and direction, by nvmlNvlinkVersion_t: 25 GB/s of NVLink 3 and 4 (A100: 12 links and
/// 300 GB/s; H100: 18 and 450), 50 GB/s of NVLink 5 (B200: 18 and 900). Data sheets of NVIDIA.
std::optional<Rate> link_rate(unsigned version) {
  constexpr unsigned kVersion3 = 5;
  constexpr unsigned kVersion4 = 6;
  constexpr unsigned kVersion5 = 7;
  if (version == kVersion3 || version == kVersion4) return gigabytes_per_second(25);
  if (version == kVersion5) return gigabytes_per_second(50);
  return std::nullopt;
}

}  // namespace

Nvml::Nvml(std::unique_ptr<Library> library, void* device)
    : library_(std::move(library)), device_(device) {}

Nvml::~Nvml() = default;

std::unique_ptr<Nvml> Nvml::open(const std::string& device, std::string& problem,
                                 const std::string& library) {
  auto nvml = std::make_unique<Library>();
  nvml->handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (nvml->handle == nullptr) {
    problem = fmt::format("{} cannot be loaded", library);
    return nullptr;
  }
  nvml->find_all();
  if (nvml->init == nullptr) {
    problem = fmt::format("{} has no nvmlInit_v2", library);
    return nullptr;
  }
  const Status begun = nvml->init();
  if (begun != kSuccess) {
    problem = fmt::format("nvmlInit_v2: {}", nvml->what(begun));
    return nullptr;
  }
  nvml->is_begun = true;
  const auto find = device.starts_with("GPU-") ? nvml->by_uuid : nvml->by_bus_id;
  void* found = nullptr;
  const Status status = find == nullptr ? -1 : find(device.c_str(), &found);
  if (status != kSuccess) {
    problem = fmt::format("NVML finds no GPU {}: {}", device, nvml->what(status));
    return nullptr;
  }
  return std::unique_ptr<Nvml>(new Nvml(std::move(nvml), found));
}

Telemetry Nvml::telemetry() const {
  const Library& nvml = *library_;
  Telemetry telemetry{
      .sm_clock_mhz = static_cast<int>(number(nvml.clock, device_, kClockSm).value_or(0)),
      .memory_clock_mhz = static_cast<int>(number(nvml.clock, device_, kClockMemory).value_or(0)),
      .power_w = number(nvml.power, device_).value_or(0) / 1e3,
      .temperature_c =
          static_cast<int>(number(nvml.temperature, device_, kTemperatureGpu).value_or(0)),
      .other_processes = other_processes(nvml.processes, device_)};
  unsigned long long reasons = 0;
  if (nvml.reasons != nullptr && nvml.reasons(device_, &reasons) == kSuccess) {
    telemetry.throttle_reasons = reasons;
  }
  return telemetry;
}

std::optional<std::string> Nvml::driver() const {
  std::array<char, kTextMost> text{};
  if (library_->driver_version == nullptr) return std::nullopt;
  if (library_->driver_version(text.data(), kTextMost) != kSuccess) return std::nullopt;
  return text.data();
}

std::optional<std::string> Nvml::uuid() const {
  std::array<char, kTextMost> text{};
  if (library_->uuid == nullptr) return std::nullopt;
  if (library_->uuid(device_, text.data(), kTextMost) != kSuccess) return std::nullopt;
  return text.data();
}

std::optional<int> Nvml::sm_clock_mhz_max() const {
  const auto clock = number(library_->clock_most, device_, kClockSm);
  return clock ? std::optional<int>(static_cast<int>(*clock)) : std::nullopt;
}

std::optional<double> Nvml::power_limit_w() const {
  const auto limit = number(library_->power_limit, device_);
  return limit ? std::optional<double>(*limit / 1e3) : std::nullopt;
}

std::optional<int> Nvml::utilisation_percent() const {
  Utilisation shares{};
  if (library_->utilisation == nullptr) return std::nullopt;
  if (library_->utilisation(device_, &shares) != kSuccess) return std::nullopt;
  return static_cast<int>(shares.gpu);
}

std::optional<Rate> Nvml::nvlink_rate() const {
  Rate all{};
  for (unsigned link = 0; link < kNvLinks; ++link) {
    if (number(library_->nvlink_state, device_, link).value_or(0) == 0) continue;
    const auto version = number(library_->nvlink_version, device_, link);
    const auto rate = version ? link_rate(*version) : std::nullopt;
    if (!rate) return std::nullopt;
    all += *rate;
  }
  return all > Rate{} ? std::optional<Rate>(all) : std::nullopt;
}

}  // namespace planewise::calibration
