#include "simulate/queues.h"

#include <algorithm>

#include "base/check.h"

namespace planewise::simulate {

void RankQueues::push(int rank, int queue, int label) {
  constexpr std::size_t kFirstSize = 4;
  Ring& ring = queues_[place(rank, queue)];
  if (ring.count == ring.labels.size()) {
    std::rotate(ring.labels.begin(), ring.labels.begin() + ring.begin, ring.labels.end());
    ring.begin = 0;
    ring.labels.resize(std::max(kFirstSize, 2 * ring.labels.size()));
  }
  ring.labels[(ring.begin + ring.count) & (ring.labels.size() - 1)] = label;
  ring.count += 1;
}

void RankQueues::pop(int rank, int queue) {
  Ring& ring = queues_[place(rank, queue)];
  PW_CHECK(ring.count > 0);
  ring.begin = (ring.begin + 1) & static_cast<std::uint32_t>(ring.labels.size() - 1);
  ring.count -= 1;
}

bool RankQueues::take_end(int rank, int label) {
  Starts& of_label = starts(rank, label);
  PW_CHECK(of_label.asked > 0);
  if (of_label.ended == 0) return false;
  of_label.asked -= 1;
  of_label.ended -= 1;
  return true;
}

}  // namespace planewise::simulate
