#include "calibration/cuda/cublaslt_groups.h"

#include "base/check.h"

namespace planewise::calibration {

std::vector<GroupCall> group_calls(const GroupRows& rows, std::int64_t multiple) {
  PW_CHECK(rows.first.size() == rows.count.size());
  PW_CHECK(128 % multiple == 0);
  std::vector<GroupCall> calls;
  for (std::size_t group = 0; group < rows.count.size(); ++group) {
    const GroupCall call{.group = static_cast<std::int64_t>(group),
                         .first = rows.first[group],
                         .count = rows.count[group],
                         .rows = round_up(rows.count[group], multiple)};
    PW_CHECK(call.first % 128 == 0);
    PW_CHECK(call.count >= 0);
    PW_CHECK(call.first + call.rows <= rows.rows_all);
    if (call.count > 0) calls.push_back(call);
  }
  return calls;
}

std::int64_t block_scale_count(std::int64_t n, std::int64_t k) {
  return (n + 127) / 128 * round_up((k + 127) / 128, 4);
}

std::int64_t regrouped_offset(const GroupCall& call, std::int64_t k) {
  return call.first * ((k + 127) / 128);
}

}  // namespace planewise::calibration
