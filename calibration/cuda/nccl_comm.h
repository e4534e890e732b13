// Owners of NCCL communicators, and the wait for what NCCL and a stream still do.
//
// Communicators do not block: a call that is in progress is asked about until it is done, a peer is
// lost, or the time is up. Then all of them are aborted.
#pragma once

#include <cuda_runtime.h>
#include <nccl.h>

#include <functional>
#include <string>
#include <vector>

#include "calibration/launch/store.h"

namespace planewise::calibration {

/// `2.28.9` of 22809.
std::string nccl_version(int number);

/// Throws std::runtime_error with the call and place if `status` is an error.
void check_nccl(ncclResult_t status, const char* call, const char* file, int line);

#define PW_NCCL(call) ::planewise::calibration::check_nccl((call), #call, __FILE__, __LINE__)

/// All communicators of a rank.
class NcclComms {
 public:
  NcclComms(Store& store, double timeout) : store_(store), timeout_(timeout) {}
  /// Gives them back, or aborts them after a failure.
  ~NcclComms();
  NcclComms(const NcclComms&) = delete;
  NcclComms& operator=(const NcclComms&) = delete;

  /// Of all ranks of the store; rank 0 makes its id.
  ncclComm_t make_world();
  /// By ncclCommSplit: all ranks call it; null of color NCCL_SPLIT_NOCOLOR.
  ncclComm_t split(ncclComm_t world, int color, int key);

  /// Waits until no communicator has a call in progress.
  void await_calls();
  /// Waits until `stream` is done.
  void await_stream(cudaStream_t stream);

 private:
  void await(const std::function<bool()>& is_done, const char* what);
  void throw_if_failed();
  void abort_all() noexcept;

  Store& store_;
  double timeout_;
  std::vector<ncclComm_t> comms_{};
  bool is_aborted_ = false;
};

}  // namespace planewise::calibration
