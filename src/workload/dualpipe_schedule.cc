#include "workload/dualpipe_schedule.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/check.h"

namespace planewise::workload {
namespace {

/// Appends slots. A direction is `near` if it enters the pipeline at this rank's end, else `far`.
class Order {
 public:
  explicit Order(int near_chunk) : near_(near_chunk), far_(1 - near_chunk) {}

  int near() const { return near_; }
  int far() const { return far_; }

  void forward(int chunk) { slots_.push_back({Phase::forward_1f, Pass::forward, chunk}); }
  void backward(int chunk) { slots_.push_back({Phase::backward_1b, Pass::backward, chunk}); }
  void backward_input(int chunk) {
    slots_.push_back({Phase::backward_1b, Pass::backward_input, chunk});
    put_off_.push_back(chunk);
  }
  void weight() {
    PW_CHECK(done_ < put_off_.size());
    slots_.push_back({Phase::weight_1w, Pass::weight, put_off_[done_++]});
  }
  /// The forward of one chunk beside the backward of the other one.
  void pair(int chunk) { slots_.push_back({Phase::overlapped_1f1b, Pass::pair, chunk, 1 - chunk}); }
  std::vector<PipelineSlot> take() { return std::move(slots_); }

 private:
  int near_ = 0;
  int far_ = 1;
  std::vector<PipelineSlot> slots_{};
  std::vector<int> put_off_{};  ///< Chunks of weight gradients, oldest first.
  std::size_t done_ = 0;
};

/// How many turns each step takes.
struct Turns {
  std::int64_t from_end = 0;     ///< Ranks between this one and its end of the pipeline.
  std::int64_t from_middle = 0;  ///< Ranks between this one and the middle.
  std::int64_t main = 0;
};

void fill(Order& order, const Turns& turns) {
  for (std::int64_t i = 0; i < 2 * turns.from_middle; ++i) order.forward(order.near());
  for (std::int64_t i = 0; i <= turns.from_end; ++i) {
    order.forward(order.near());
    order.forward(order.far());
  }
  for (std::int64_t i = 0; i < turns.from_middle; ++i) {
    order.backward_input(order.far());
    order.weight();
    order.forward(order.far());
  }
}

void steady(Order& order, const Turns& turns) {
  for (std::int64_t i = 0; i < turns.main; ++i) {
    if (i == 0 && turns.from_middle == 0) {
      // Apart, so that the other middle rank gets its input sooner.
      order.forward(order.near());
      order.backward(order.far());
    } else {
      order.pair(order.near());
    }
    order.pair(order.far());
  }
  for (std::int64_t i = 0; i < turns.from_middle; ++i) {
    order.backward(order.far());
    order.pair(order.far());
  }
}

/// The later half of the last backwards leaves its weight gradients for the end.
void drain(Order& order, const Turns& turns) {
  const std::int64_t backwards = 2 * (turns.from_end + 1);
  for (std::int64_t i = 0; i < backwards; ++i) {
    const int chunk = i % 2 == 0 ? order.far() : order.near();
    if (i < backwards / 2) {
      order.backward(chunk);
    } else {
      order.backward_input(chunk);
    }
  }
  for (std::int64_t i = 0; i < turns.from_middle; ++i) {
    order.weight();
    order.backward_input(order.near());
  }
  for (std::int64_t i = 0; i <= turns.from_end; ++i) order.weight();
}

}  // namespace

std::vector<PipelineSlot> dualpipe_slots(const PipelineShape& shape, int rank) {
  const std::int64_t half = shape.ranks / 2;
  const std::int64_t from_end = std::min(rank, shape.ranks - 1 - rank);
  const Turns turns{.from_end = from_end,
                    .from_middle = half - 1 - from_end,
                    .main = shape.micro_batches / 2 - shape.ranks + from_end + 1};
  Order order(rank < half ? 0 : 1);
  fill(order, turns);
  steady(order, turns);
  drain(order, turns);
  return order.take();
}

}  // namespace planewise::workload
