#include "calibration/comm/discovery.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/unit_text.h"
#include "calibration/telemetry/nvml.h"

namespace planewise::calibration {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

/// Folders of two paths that are the same, from the root.
std::ptrdiff_t shared_depth(const fs::path& a, const fs::path& b) {
  return std::distance(a.begin(), std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first);
}

/// Names in `folder`, sorted; none if it cannot be read.
std::vector<fs::path> entries(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code problem;
  for (const auto& entry : fs::directory_iterator(folder, problem)) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

/// The rate of the first port of a NIC that is up.
Rate rate_of(const fs::path& nic) {
  for (const fs::path& port : entries(nic / "ports")) {
    if (first_line(port / "state").find("ACTIVE") == std::string::npos) continue;
    return port_rate(first_line(port / "rate"));
  }
  return {};
}

void find_nic(const std::string& gpu_bus, const SystemFolders& folders, RankPlace& place) {
  std::error_code problem;
  const fs::path gpu = fs::canonical(fs::path(folders.pci) / gpu_bus, problem);
  if (problem) return;
  std::ptrdiff_t nearest = -1;
  for (const fs::path& nic : entries(folders.infiniband)) {
    const fs::path device = fs::canonical(nic / "device", problem);
    const Rate rate = rate_of(nic);
    if (problem || rate == Rate{}) continue;
    const std::ptrdiff_t depth = shared_depth(gpu, device);
    if (depth <= nearest) continue;
    nearest = depth;
    place.nic = nic.filename();
    place.nic_rate = rate;
  }
}

}  // namespace

Rate port_rate(const std::string& text) {
  double number = 0;
  const std::size_t end = text.find(" Gb/sec");
  if (end == std::string::npos || !parse_number(text.substr(0, end), number)) return {};
  return gigabits_per_second(number);
}

RankPlace find_place(const std::string& gpu_bus, const SystemFolders& folders) {
  RankPlace place{.gpu_bus = gpu_bus};
  if (gpu_bus.empty()) return place;
  std::string problem;
  if (const auto nvml = Nvml::open(gpu_bus, problem, folders.nvml)) {
    place.nvlink_rate = nvml->nvlink_rate().value_or(Rate{});
  }
  find_nic(gpu_bus, folders, place);
  return place;
}

}  // namespace planewise::calibration
