// Dispatch and combine: tokens to the ranks of their experts and back, over one hop or two.
#include <cmath>
#include <cstring>
#include <set>

#include "base/check.h"
#include "calibration/comm/comm_bench.h"
#include "calibration/comm/token_hop.h"
#include "calibration/comm/token_rows.h"
#include "calibration/host/e4m3.h"

namespace planewise::calibration {
namespace {

/// The experts round to BF16, by up to 2^-8 of a value, and so does each of at most two hops.
constexpr float kSumTolerance = 4.0F / 256;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

/// How the group lies; its ranks follow each other node after node.
struct ExpertShape {
  int ranks = 1;
  int nodes = 1;
  int experts_per_rank = 1;

  int ranks_per_node() const { return ranks / nodes; }
  int rank_of(int expert) const { return expert / experts_per_rank; }
  int node_of(int expert) const { return rank_of(expert) / ranks_per_node(); }
};

class ExchangeBench : public CommBench {
 public:
  ExchangeBench(const CommPoint& point, Transport& transport, const CommGroups& groups)
      : point_(point),
        transport_(transport),
        groups_(groups),
        format_{.hidden = static_cast<std::size_t>(point.load.hidden),
                .experts_per_token = point.load.experts_per_token},
        shape_{.ranks = point.ranks,
               .nodes = point.nodes,
               .experts_per_rank = point.load.experts / point.ranks} {
    PW_CHECK(point.load.experts % point.ranks == 0);
    PW_CHECK(point.load.hidden % 128 == 0);
    if (groups.group != nullptr) set_up(1);
  }

  std::int64_t check(std::uint64_t seed) override {
    if (groups_.group == nullptr) return 0;
    set_up(seed);
    for (const auto& hop : hops_) hop->poison();
    dispatch();
    // All ranks do the same, whatever one of them has found: an exchange needs every one.
    const std::int64_t wrong = wrong_rows();
    make_results();
    for (const auto& sums : sums_) {
      const std::vector<std::byte> poison(sums->size(), std::byte{0xFF});
      transport_.upload(sums->data(), poison.data(), poison.size());
    }
    combine();
    return wrong + wrong_sums();
  }

  void run() override {
    if (groups_.group == nullptr) return;
    point_.operation == Operation::dispatch ? dispatch() : combine();
  }

  CommVolume volume() const override {
    if (groups_.group == nullptr) return {};
    const bool is_dispatch = point_.operation == Operation::dispatch;
    const Bytes row = bytes(static_cast<double>(is_dispatch ? format_.size() : 2 * format_.hidden));
    CommVolume volume{.logical = point_.load.bytes_per_token * static_cast<double>(copies_)};
    const bool is_two_hop = hops_.size() > 1;
    const int own = groups_.group->index();
    const int local = own % shape_.ranks_per_node();
    const int node = own / shape_.ranks_per_node();
    const auto add = [&](int to_rank, std::size_t rows) {
      if (to_rank == own) return;
      const Bytes sent = row * static_cast<double>(rows);
      volume.wire += sent;
      if (to_rank / shape_.ranks_per_node() != node) volume.wire_rail += sent;
    };
    for (std::size_t h = 0; h < hops_.size(); ++h) {
      const int peers = !is_two_hop ? shape_.ranks
                        : h == 0    ? shape_.nodes
                                    : shape_.ranks_per_node();
      for (int peer = 0; peer < peers; ++peer) {
        const int to = !is_two_hop ? peer
                       : h == 0    ? peer * shape_.ranks_per_node() + local
                                   : node * shape_.ranks_per_node() + peer;
        const std::size_t rows =
            is_dispatch ? hops_[h]->sent_rows(peer)
                        : static_cast<std::size_t>(hops_[h]->received_counts()[at(peer)]);
        add(to, rows);
      }
    }
    return volume;
  }

 private:
  void set_up(std::uint64_t seed) {
    seed_ = seed;
    hops_.clear();
    sums_.clear();
    choice_ = choose_experts(point_.load, shape_.nodes, groups_.group->index(), seed);
    make_rows();
    const std::vector<RowHead> own = heads_of_tokens();
    count_copies(own);
    const bool is_two_hop = point_.algorithm == ExchangeAlgorithm::two_hop;
    add_hop(is_two_hop ? *groups_.rail : *groups_.group, own, [&](int expert) {
      return is_two_hop ? shape_.node_of(expert) : shape_.rank_of(expert);
    });
    if (is_two_hop) {
      hops_.front()->poison();
      hops_.front()->dispatch(tokens_->data());
      const int node = groups_.group->index() / shape_.ranks_per_node();
      add_hop(*groups_.node, heads_in(*hops_.front()), [&](int expert) {
        const bool is_here = shape_.node_of(expert) == node;
        return is_here ? shape_.rank_of(expert) % shape_.ranks_per_node() : -1;
      });
    }
    results_ = transport_.allocate(hops_.back()->received_rows() * 2 * format_.hidden);
  }

  /// Sends each row once to every peer that `peer_of` gives for one of its experts.
  template <class PeerOf>
  void add_hop(CommGroup& group, const std::vector<RowHead>& heads, const PeerOf& peer_of) {
    std::vector<std::vector<std::int32_t>> rows_for(at(group.size()));
    for (std::size_t row = 0; row < heads.size(); ++row) {
      std::set<int> peers;
      for (const std::int32_t expert : heads[row].experts) {
        if (const int peer = peer_of(expert); peer >= 0) peers.insert(peer);
      }
      for (const int peer : peers) rows_for[at(peer)].push_back(static_cast<std::int32_t>(row));
    }
    hops_.push_back(std::make_unique<TokenHop>(
        transport_, group, rows_for,
        HopOptions{.row_size = format_.size(),
                   .columns = format_.hidden,
                   .source_rows = heads.size(),
                   .is_padded = point_.algorithm == ExchangeAlgorithm::padded}));
    sums_.push_back(transport_.allocate(heads.size() * 2 * format_.hidden));
  }

  RowHead head_of_token(std::size_t token) const {
    const std::size_t begin = token * at(choice_.experts_per_token);
    const std::size_t end = begin + at(choice_.experts_per_token);
    return {.source = groups_.group->index(),
            .token = static_cast<std::int32_t>(token),
            .experts = {choice_.experts.begin() + static_cast<std::ptrdiff_t>(begin),
                        choice_.experts.begin() + static_cast<std::ptrdiff_t>(end)},
            .weights = {choice_.weights.begin() + static_cast<std::ptrdiff_t>(begin),
                        choice_.weights.begin() + static_cast<std::ptrdiff_t>(end)}};
  }
  std::vector<RowHead> heads_of_tokens() const {
    std::vector<RowHead> heads;
    for (std::size_t t = 0; t < token_count(); ++t) heads.push_back(head_of_token(t));
    return heads;
  }
  std::size_t token_count() const { return static_cast<std::size_t>(point_.load.tokens); }

  void make_rows() {
    std::vector<std::byte> rows(token_count() * format_.size());
    for (std::size_t t = 0; t < token_count(); ++t) {
      const std::span<std::byte> row(rows.data() + t * format_.size(), format_.size());
      const RowHead head = head_of_token(t);
      write_values(format_, seed_, head, row);
      write_head(format_, head, row);
    }
    tokens_ = transport_.allocate(rows.size());
    transport_.upload(tokens_->data(), rows.data(), rows.size());
  }

  /// Token and rank pairs: what a dispatch has to bring to experts.
  void count_copies(const std::vector<RowHead>& heads) {
    copies_ = 0;
    for (const RowHead& head : heads) {
      std::set<int> ranks;
      for (const std::int32_t expert : head.experts) ranks.insert(shape_.rank_of(expert));
      copies_ += static_cast<std::int64_t>(ranks.size());
    }
  }

  std::vector<std::byte> rows_in(TokenHop& hop) {
    std::vector<std::byte> rows(hop.received_rows() * format_.size());
    transport_.download(rows.data(), hop.received(), rows.size());
    return rows;
  }
  std::vector<RowHead> heads_in(TokenHop& hop) {
    const std::vector<std::byte> rows = rows_in(hop);
    std::vector<RowHead> heads;
    for (std::size_t row = 0; row < hop.received_rows(); ++row) {
      heads.push_back(read_head(format_, {rows.data() + row * format_.size(), format_.size()}));
    }
    return heads;
  }

  void dispatch() {
    const std::byte* rows = tokens_->data();
    for (const auto& hop : hops_) {
      hop->dispatch(rows);
      rows = hop->received();
    }
  }

  void combine() {
    const std::byte* results = results_->data();
    for (std::size_t h = hops_.size(); h-- > 0;) {
      hops_[h]->combine(results, sums_[h]->data());
      results = sums_[h]->data();
    }
  }

  /// Of the experts of `head` those that this rank holds.
  float local_weight(const RowHead& head) const {
    float weight = 0;
    for (std::size_t i = 0; i < head.experts.size(); ++i) {
      if (shape_.rank_of(head.experts[i]) == groups_.group->index()) weight += head.weights[i];
    }
    return weight;
  }

  /// Rows that should not be here, are here twice, or differ from what their source made; and how
  /// many more or less there are than all sources together sent.
  std::int64_t wrong_rows() {
    const std::vector<std::byte> rows = rows_in(*hops_.back());
    std::set<std::pair<int, int>> seen;
    std::int64_t wrong = 0;
    std::vector<std::byte> expected(format_.size());
    for (std::size_t i = 0; i < hops_.back()->received_rows(); ++i) {
      const std::span<const std::byte> row(rows.data() + i * format_.size(), format_.size());
      const RowHead head = read_head(format_, row);
      if (head.source < 0) continue;
      const bool is_possible = head.source < shape_.ranks && head.token >= 0 &&
                               head.token < point_.load.tokens && local_weight(head) > 0 &&
                               seen.insert({head.source, head.token}).second;
      if (!is_possible) {
        ++wrong;
        continue;
      }
      write_values(format_, seed_, head, expected);
      wrong += std::memcmp(expected.data(), row.data(), format_.head_offset()) != 0;
    }
    return wrong + std::abs(static_cast<std::int64_t>(seen.size()) - announced());
  }

  /// Tokens that all ranks together have for this one, over the group itself.
  std::int64_t announced() {
    CommGroup& group = *groups_.group;
    std::vector<std::int32_t> counts(at(group.size()));
    for (std::size_t t = 0; t < token_count(); ++t) {
      std::set<int> ranks;
      for (const std::int32_t expert : head_of_token(t).experts)
        ranks.insert(shape_.rank_of(expert));
      for (const int rank : ranks) ++counts[at(rank)];
    }
    const std::size_t size = counts.size() * sizeof(std::int32_t);
    const std::unique_ptr<Memory> memory = transport_.allocate(2 * size);
    transport_.upload(memory->data(), counts.data(), size);
    group.all_to_all(memory->data(), memory->data() + size, sizeof(std::int32_t));
    transport_.download(counts.data(), memory->data() + size, size);
    std::int64_t all = 0;
    for (const std::int32_t count : counts) all += count;
    return all;
  }

  /// What the experts of this rank make of their tokens: each the token itself, times its weight.
  void make_results() {
    const std::vector<std::byte> rows = rows_in(*hops_.back());
    std::vector<std::byte> results(results_->size());
    for (std::size_t i = 0; i < hops_.back()->received_rows(); ++i) {
      const std::span<const std::byte> row(rows.data() + i * format_.size(), format_.size());
      const RowHead head = read_head(format_, row);
      if (head.source < 0) continue;
      const std::vector<float> values = weighted_values(format_, row, local_weight(head));
      const std::vector<std::uint16_t> bits = host::to_bf16(values);
      std::memcpy(results.data() + i * 2 * format_.hidden, bits.data(), 2 * format_.hidden);
    }
    transport_.upload(results_->data(), results.data(), results.size());
  }

  std::int64_t wrong_sums() {
    std::vector<std::uint16_t> sums(token_count() * format_.hidden);
    transport_.download(sums.data(), sums_.front()->data(), 2 * sums.size());
    std::int64_t wrong = 0;
    std::vector<std::byte> row(format_.size());
    for (std::size_t t = 0; t < token_count(); ++t) {
      const RowHead head = head_of_token(t);
      float weight = 0;
      for (const float each : head.weights) weight += each;
      write_values(format_, seed_, head, row);
      const std::vector<float> expected = weighted_values(format_, row, weight);
      for (std::size_t i = 0; i < format_.hidden; ++i) {
        const float got = host::from_bf16(sums[t * format_.hidden + i]);
        const float most = kSumTolerance * std::fabs(expected[i]) + 1e-30F;
        wrong += !(std::fabs(got - expected[i]) <= most);
      }
    }
    return wrong;
  }

  CommPoint point_;
  Transport& transport_;
  CommGroups groups_;
  RowFormat format_;
  ExpertShape shape_;
  std::uint64_t seed_ = 0;
  TokenChoice choice_{};
  std::int64_t copies_ = 0;
  std::unique_ptr<Memory> tokens_{};
  std::vector<std::unique_ptr<TokenHop>> hops_{};
  std::vector<std::unique_ptr<Memory>> sums_{};  ///< [hop] Of its source rows.
  std::unique_ptr<Memory> results_{};
};

}  // namespace

std::unique_ptr<CommBench> make_exchange_bench(const CommPoint& point, Transport& transport,
                                               const CommGroups& groups) {
  return std::make_unique<ExchangeBench>(point, transport, groups);
}

}  // namespace planewise::calibration
