#include "calibration/comm/token_hop.h"

#include <algorithm>
#include <stdexcept>

namespace planewise::calibration {
namespace {

constexpr std::size_t kIndexSize = sizeof(std::int32_t);
constexpr std::byte kPoison{0xFF};  // also of a head: no token

std::size_t at(int index) { return static_cast<std::size_t>(index); }

const std::int32_t* as_index(Memory& memory) {
  return reinterpret_cast<const std::int32_t*>(memory.data());
}

void fill_with_poison(Transport& transport, Memory& memory) {
  const std::vector<std::byte> poison(memory.size(), kPoison);
  transport.upload(memory.data(), poison.data(), poison.size());
}

}  // namespace

TokenHop::TokenHop(Transport& transport, CommGroup& group,
                   const std::vector<std::vector<std::int32_t>>& rows_for,
                   const HopOptions& options)
    : transport_(transport), group_(group), options_(options) {
  for (const auto& rows : rows_for) sent_counts_.push_back(static_cast<std::int32_t>(rows.size()));
  counts_ = transport.allocate(2 * kIndexSize * at(group.size()));
  exchange_counts(false);
  if (options.is_padded) {
    std::int32_t most = *std::max_element(sent_counts_.begin(), sent_counts_.end());
    const std::unique_ptr<Memory> all = transport.allocate(kIndexSize * at(group.size()));
    transport.upload(counts_->data(), &most, kIndexSize);
    group.all_gather(counts_->data(), all->data(), kIndexSize);
    std::vector<std::int32_t> counts(at(group.size()));
    transport.download(counts.data(), all->data(), all->size());
    capacity_ = static_cast<std::size_t>(*std::max_element(counts.begin(), counts.end()));
  }
  for (int peer = 0; peer < group.size(); ++peer) {
    sent_begin_.push_back(sent_rows_);
    received_begin_.push_back(received_rows_);
    sent_rows_ += sent_rows(peer);
    received_rows_ +=
        options.is_padded ? capacity_ : static_cast<std::size_t>(received_counts_[at(peer)]);
  }
  packed_ = transport.allocate(sent_rows_ * options.row_size);
  fill_with_poison(transport, *packed_);
  received_ = transport.allocate(received_rows_ * options.row_size);
  back_ = transport.allocate(sent_rows_ * options.columns * 2);
  make_packing(rows_for);
  make_sums(rows_for);
}

std::size_t TokenHop::sent_rows(int peer) const {
  return options_.is_padded ? capacity_ : static_cast<std::size_t>(sent_counts_[at(peer)]);
}

void TokenHop::poison() { fill_with_poison(transport_, *received_); }

void TokenHop::exchange_counts(bool is_checked) {
  const std::size_t size = kIndexSize * at(group_.size());
  transport_.upload(counts_->data(), sent_counts_.data(), size);
  group_.all_to_all(counts_->data(), counts_->data() + size, kIndexSize);
  std::vector<std::int32_t> counts(at(group_.size()));
  transport_.download(counts.data(), counts_->data() + size, size);
  if (is_checked && counts != received_counts_) {
    throw std::runtime_error("a peer announces other counts of tokens than before");
  }
  received_counts_ = std::move(counts);
}

std::unique_ptr<Memory> TokenHop::indexes(const std::vector<std::int32_t>& values) {
  std::unique_ptr<Memory> memory = transport_.allocate(kIndexSize * values.size());
  transport_.upload(memory->data(), values.data(), memory->size());
  return memory;
}

void TokenHop::make_packing(const std::vector<std::vector<std::int32_t>>& rows_for) {
  std::vector<std::int32_t> packing(sent_rows_, -1);
  for (std::size_t peer = 0; peer < rows_for.size(); ++peer) {
    std::copy(rows_for[peer].begin(), rows_for[peer].end(),
              packing.begin() + static_cast<std::ptrdiff_t>(sent_begin_[peer]));
  }
  packing_ = indexes(packing);
}

void TokenHop::make_sums(const std::vector<std::vector<std::int32_t>>& rows_for) {
  std::vector<std::vector<std::int32_t>> places(options_.source_rows);
  for (std::size_t peer = 0; peer < rows_for.size(); ++peer) {
    for (std::size_t i = 0; i < rows_for[peer].size(); ++i) {
      places[at(rows_for[peer][i])].push_back(static_cast<std::int32_t>(sent_begin_[peer] + i));
    }
  }
  for (const auto& of_row : places) terms_ = std::max(terms_, static_cast<int>(of_row.size()));
  std::vector<std::int32_t> summing(places.size() * at(terms_), -1);
  for (std::size_t row = 0; row < places.size(); ++row) {
    std::copy(places[row].begin(), places[row].end(),
              summing.begin() + static_cast<std::ptrdiff_t>(row * at(terms_)));
  }
  summing_ = indexes(summing);
}

void TokenHop::exchange_rows(std::byte* from, std::byte* to, std::size_t row_size, bool is_back) {
  if (options_.is_padded) {
    group_.all_to_all(from, to, capacity_ * row_size);
    return;
  }
  const auto& from_begin = is_back ? received_begin_ : sent_begin_;
  const auto& from_count = is_back ? received_counts_ : sent_counts_;
  const auto& to_begin = is_back ? sent_begin_ : received_begin_;
  const auto& to_count = is_back ? sent_counts_ : received_counts_;
  std::vector<Message> sends;
  std::vector<Message> receives;
  // Beginning with the next one, so that not all send to the first one first.
  for (int step = 0; step < group_.size(); ++step) {
    const int next = (group_.index() + step) % group_.size();
    const int last = (group_.index() + group_.size() - step) % group_.size();
    sends.push_back({next, from + from_begin[at(next)] * row_size,
                     static_cast<std::size_t>(from_count[at(next)]) * row_size});
    receives.push_back({last, to + to_begin[at(last)] * row_size,
                        static_cast<std::size_t>(to_count[at(last)]) * row_size});
  }
  group_.exchange(sends, receives);
}

void TokenHop::dispatch(const std::byte* rows) {
  transport_.copy_rows({.to = packed_->data(),
                        .from = rows,
                        .index = as_index(*packing_),
                        .rows = sent_rows_,
                        .row_size = options_.row_size});
  if (!options_.is_padded) exchange_counts(true);
  exchange_rows(packed_->data(), received_->data(), options_.row_size, false);
}

void TokenHop::combine(const std::byte* results, std::byte* sums) {
  // What is sent is only read.
  exchange_rows(const_cast<std::byte*>(results), back_->data(), 2 * options_.columns, true);
  transport_.sum_rows({.to = sums,
                       .from = back_->data(),
                       .index = as_index(*summing_),
                       .rows = options_.source_rows,
                       .terms = terms_,
                       .columns = options_.columns});
}

}  // namespace planewise::calibration
