#include "calibration/measure/run_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "calibration/measure/fingerprint.h"
#include "calibration/raw/raw_file.h"

namespace planewise::calibration {
namespace {

constexpr const char* kStartAnew =
    "with --force-new the run starts anew, and this file is kept as raw.jsonl.1";

[[noreturn]] void throw_system_error(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// What differs between the points of a file and those that would be added.
std::vector<std::string> differences(const EnvironmentRecord& before,
                                     const EnvironmentRecord& now) {
  std::vector<std::string> found = environment_differences(before.environment, now.environment);
  if (before.model != now.model) {
    found.push_back(fmt::format("model: was '{}', is '{}'", before.model, now.model));
  } else if (before.sizes != now.sizes) {
    found.emplace_back("model or phase: sizes of the layer differ");
  }
  if (found.empty() && before.fingerprint != now.fingerprint) {
    found.push_back(
        fmt::format("fingerprint: was '{}', is '{}'", before.fingerprint, now.fingerprint));
  }
  return found;
}

}  // namespace

FolderLock::FolderLock(const std::string& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure && !std::filesystem::is_directory(folder)) {
    throw std::system_error(failure, "cannot make the folder " + folder);
  }
  file_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file_ < 0) throw_system_error("cannot open the folder " + folder);
  if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return;
  const int problem = errno;
  ::close(file_);
  if (problem != EWOULDBLOCK) {
    errno = problem;
    throw_system_error("cannot lock the folder " + folder);
  }
  throw spec::InputError({{.file = folder,
                           .message = "another planewise-calibrate is writing in this folder",
                           .hint = "wait for it, or give another folder with --out"}});
}

FolderLock::~FolderLock() { ::close(file_); }  // which unlocks it

std::string move_aside(const std::string& path) {
  if (!std::filesystem::exists(path)) return "";
  for (int number = 1;; ++number) {
    const std::string aside = fmt::format("{}.{}", path, number);
    if (std::filesystem::exists(aside)) continue;
    std::filesystem::rename(path, aside);
    return aside;
  }
}

std::optional<RawFile> resumable_file(const std::string& path, const EnvironmentRecord& now) {
  if (!std::filesystem::exists(path) || std::filesystem::file_size(path) == 0) return std::nullopt;
  spec::Diagnostics diagnostics;
  RawFile file = read_raw(path, diagnostics);
  diagnostics.throw_if_any();
  if (file.profile) {
    throw spec::InputError({{.file = path,
                             .message = "holds published tables, to which no run can add points",
                             .hint = kStartAnew}});
  }
  if (file.environments.empty()) return std::nullopt;  // killed in its first line
  for (const std::string& difference : differences(file.environments.front(), now)) {
    diagnostics.add({.file = path,
                     .message = "points of another machine or model cannot be mixed; " + difference,
                     .hint = kStartAnew});
  }
  diagnostics.throw_if_any();
  return file;
}

void require_cluster(const RawFile& before, const ClusterRecord& now) {
  if (!before.cluster) return;
  const ClusterRecord& was = *before.cluster;
  if (was.ranks == now.ranks && was.ranks_per_node == now.ranks_per_node) return;
  throw spec::InputError(
      {{.file = before.path,
        .message = fmt::format("has points of {} ranks, {} a node; now there are {}, {} a node",
                               was.ranks, was.ranks_per_node, now.ranks, now.ranks_per_node),
        .hint = kStartAnew}});
}

}  // namespace planewise::calibration
