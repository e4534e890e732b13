// One hop of rows between the ranks of a group, and the way back of what was made of them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "calibration/comm/transport.h"

namespace planewise::calibration {

struct HopOptions {
  std::size_t row_size = 0;     ///< Of what is dispatched.
  std::size_t columns = 0;      ///< BF16 values of a row that is combined.
  std::size_t source_rows = 0;  ///< Rows that this rank has.
  bool is_padded = false;       ///< As much room for every pair, and no counts.
};

class TokenHop {
 public:
  /// rows_for[peer] are the source rows that peer gets. Every rank of the group calls it.
  TokenHop(Transport& transport, CommGroup& group,
           const std::vector<std::vector<std::int32_t>>& rows_for, const HopOptions& options);

  /// Packs `rows` and sends them. What was received is the same each time.
  void dispatch(const std::byte* rows);
  /// Sends `results`, a BF16 row for each row received, back to whence they came, and sums those of
  /// each source row into `sums`, [source rows, columns].
  void combine(const std::byte* results, std::byte* sums);

  std::byte* received() { return received_->data(); }
  /// Rows in received(); padding among them.
  std::size_t received_rows() const { return received_rows_; }
  /// Rows in received() that each peer sent, padding not counted. Shape: [peer].
  const std::vector<std::int32_t>& received_counts() const { return received_counts_; }
  /// Where the rows of a peer begin in received().
  std::size_t received_begin(int peer) const {
    return received_begin_[static_cast<std::size_t>(peer)];
  }
  /// Overwrites what was received, so that nothing old is taken for new.
  void poison();

  /// Rows that this rank sends to `peer`, padding included.
  std::size_t sent_rows(int peer) const;

 private:
  void exchange_counts(bool is_checked);
  std::unique_ptr<Memory> indexes(const std::vector<std::int32_t>& values);
  void make_packing(const std::vector<std::vector<std::int32_t>>& rows_for);
  void make_sums(const std::vector<std::vector<std::int32_t>>& rows_for);
  void exchange_rows(std::byte* from, std::byte* to, std::size_t row_size, bool is_back);

  Transport& transport_;
  CommGroup& group_;
  HopOptions options_;
  std::size_t capacity_ = 0;  ///< Padded: rows of a pair.
  std::vector<std::int32_t> sent_counts_{};
  std::vector<std::int32_t> received_counts_{};
  std::vector<std::size_t> sent_begin_{};
  std::vector<std::size_t> received_begin_{};
  std::size_t sent_rows_ = 0;
  std::size_t received_rows_ = 0;
  int terms_ = 1;  ///< The most copies of one source row.
  std::unique_ptr<Memory> packing_{};
  std::unique_ptr<Memory> summing_{};
  std::unique_ptr<Memory> counts_{};
  std::unique_ptr<Memory> packed_{};
  std::unique_ptr<Memory> received_{};
  std::unique_ptr<Memory> back_{};
};

}  // namespace planewise::calibration
