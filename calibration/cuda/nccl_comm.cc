#include "calibration/cuda/nccl_comm.h"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "calibration/cuda/handles.h"

namespace planewise::calibration {
namespace {

constexpr std::chrono::milliseconds kLookAtPeersEvery{100};
/// While an operation may end any moment the processor spins; later it sleeps in between.
constexpr std::chrono::milliseconds kSpin{20};
constexpr std::chrono::microseconds kSleep{200};

ncclConfig_t quiet_config() {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  config.commName = "planewise";
  return config;
}

}  // namespace

std::string nccl_version(int number) {
  // 22809; before 2.9 it was 2804.
  constexpr int kNewForm = 10000;
  if (number < kNewForm) {
    return fmt::format("{}.{}.{}", number / 1000, number % 1000 / 100, number % 100);
  }
  return fmt::format("{}.{}.{}", number / 10000, number % 10000 / 100, number % 100);
}

void check_nccl(ncclResult_t status, const char* call, const char* file, int line) {
  if (status == ncclSuccess || status == ncclInProgress) return;
  const char* last = ncclGetLastError(nullptr);
  throw std::runtime_error(fmt::format("NCCL: {}{}{} in {}, {}:{}", ncclGetErrorString(status),
                                       last == nullptr || *last == '\0' ? "" : ": ",
                                       last == nullptr ? "" : last, call, file, line));
}

NcclComms::~NcclComms() {
  if (is_aborted_) return;
  for (const ncclComm_t comm : comms_) {
    if (ncclCommFinalize(comm) == ncclInProgress) {
      ncclResult_t state = ncclInProgress;
      const Deadline deadline = deadline_in(5);
      while (ncclCommGetAsyncError(comm, &state) == ncclSuccess && state == ncclInProgress &&
             std::chrono::steady_clock::now() < deadline) {
        std::this_thread::sleep_for(kSleep);
      }
    }
    ncclCommDestroy(comm);
  }
}

void NcclComms::abort_all() noexcept {
  if (is_aborted_) return;
  is_aborted_ = true;
  for (const ncclComm_t comm : comms_) ncclCommAbort(comm);
}

void NcclComms::throw_if_failed() {
  for (const ncclComm_t comm : comms_) {
    ncclResult_t state = ncclSuccess;
    PW_NCCL(ncclCommGetAsyncError(comm, &state));
    check_nccl(state, "an operation", __FILE__, __LINE__);
  }
}

void NcclComms::await(const std::function<bool()>& is_done, const char* what) {
  const auto began = std::chrono::steady_clock::now();
  auto looked = began;
  try {
    while (!is_done()) {
      const auto now = std::chrono::steady_clock::now();
      if (now - began > kSpin) std::this_thread::sleep_for(kSleep);
      if (now - looked < kLookAtPeersEvery) continue;
      looked = now;
      store_.check_peers();
      throw_if_failed();
      if (std::chrono::duration<double>(now - began).count() < timeout_) continue;
      throw PeerFailed(fmt::format("{} did not end within {:.0f} s; NCCL says nothing of an error",
                                   what, timeout_),
                       false);
    }
  } catch (...) {
    abort_all();
    throw;
  }
}

void NcclComms::await_calls() {
  await(
      [this] {
        for (const ncclComm_t comm : comms_) {
          ncclResult_t state = ncclSuccess;
          PW_NCCL(ncclCommGetAsyncError(comm, &state));
          check_nccl(state, "a call", __FILE__, __LINE__);
          if (state == ncclInProgress) return false;
        }
        return true;
      },
      "a call of NCCL");
}

void NcclComms::await_stream(cudaStream_t stream) {
  await(
      [stream] {
        const cudaError_t status = cudaStreamQuery(stream);
        if (status == cudaErrorNotReady) return false;
        PW_CUDA(status);
        return true;
      },
      "an operation");
}

ncclComm_t NcclComms::make_world() {
  ncclUniqueId id{};
  if (store_.rank() == 0) PW_NCCL(ncclGetUniqueId(&id));
  const std::string shared = store_.broadcast(std::string(id.internal, sizeof id.internal));
  std::copy(shared.begin(), shared.end(), id.internal);
  ncclConfig_t config = quiet_config();
  ncclComm_t comm = nullptr;
  PW_NCCL(ncclCommInitRankConfig(&comm, store_.size(), id, store_.rank(), &config));
  comms_.push_back(comm);
  await_calls();
  return comm;
}

ncclComm_t NcclComms::split(ncclComm_t world, int color, int key) {
  ncclConfig_t config = quiet_config();
  ncclComm_t comm = nullptr;
  PW_NCCL(ncclCommSplit(world, color, key, &comm, &config));
  await_calls();
  if (comm == nullptr) return nullptr;
  comms_.push_back(comm);
  await_calls();
  return comm;
}

}  // namespace planewise::calibration
