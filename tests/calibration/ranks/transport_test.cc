// Collectives and tokens between real processes: right as they are, and found wrong where a
// transport spoils a byte.
#include "calibration/comm/transport.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "base/random.h"
#include "calibration/comm/comm_run.h"
#include "forked_ranks.h"

namespace planewise::calibration {
namespace {

/// Ranks on nodes of `node_size`.
Cluster cluster_of(Store& store, int node_size) {
  return find_cluster(store, {.host = "node " + std::to_string(store.rank() / node_size)});
}

/// `wrong` of all records, a word each, on rank 0.
std::string wrongs(Store& store, Transport& transport, int node_size, int expert_ranks,
                   const std::vector<CommTask>& tasks) {
  const Cluster cluster = cluster_of(store, node_size);
  CommRunner runner(store, transport, cluster, expert_ranks);
  std::string text;
  for (const CommTask& task : tasks) {
    for (const CommPointRecord& record :
         runner.measure(task, {.iterations = 2, .warm_up = 1, .seed = 7})) {
      text += std::to_string(record.wrong) + (record.times.empty() ? "!" : "") + " ";
    }
  }
  store.barrier();
  return text;
}

class Collectives : public testing::TestWithParam<int> {};

TEST_P(Collectives, ArriveRight) {
  const int ranks = GetParam();
  // Sizes that do not divide evenly, types of every width.
  const auto ends = test::run_forked(ranks, [](Store& store) {
    const auto transport = make_socket_transport(store, {});
    const Cluster cluster = cluster_of(store, 2);
    std::vector<CommTask> tasks;
    for (const char* type : {"int8", "half", "bfloat16", "float", "double", "f8e4m3", "f8e5m2"}) {
      const auto more = sweep_tasks(
          cluster,
          {.operations = {Operation::all_to_all, Operation::all_reduce, Operation::reduce_scatter,
                          Operation::all_gather, Operation::broadcast, Operation::send},
           .groups = {GroupKind::node, GroupKind::rail, GroupKind::pipeline, GroupKind::world},
           .least = bytes(24),
           .most = bytes(100'000),
           .factor = 61,
           .datatype = type,
           .is_unaligned = true,
           .cadences = {Cadence::isolated},
           .expert_ranks = 2});
      tasks.insert(tasks.end(), more.begin(), more.end());
    }
    return wrongs(store, *transport, 2, 2, tasks);
  });
  for (const auto& end : ends) EXPECT_EQ(end.code, 0) << end.text;
  // Every word is a 0; there is one for each of a hundred points or more.
  ASSERT_FALSE(ends.empty());
  EXPECT_EQ(ends[0].text.find_first_not_of("0 "), std::string::npos) << ends[0].text;
  EXPECT_GT(ends[0].text.size(), ranks > 1 ? 100U : 0U);
}

INSTANTIATE_TEST_SUITE_P(Ranks, Collectives, testing::Values(2, 4, 16));

/// Tokens of all algorithms over a group of all ranks.
std::vector<CommTask> token_points(const Cluster& cluster, int ranks) {
  LayerSizes sizes;
  sizes.hidden = 256;
  sizes.experts = 64;
  sizes.experts_per_token = 6;
  sizes.groups_per_token = 3;
  return token_tasks(cluster, {.expert_ranks = ranks, .sizes = sizes, .tokens = {1, 33}});
}

struct Shape {
  int ranks = 1;
  int node_size = 1;
};
class Tokens : public testing::TestWithParam<Shape> {};

TEST_P(Tokens, ArriveOnceAndComeBackWeighted) {
  const auto [ranks, node_size] = GetParam();
  const auto ends = test::run_forked(ranks, [&](Store& store) {
    const auto transport = make_socket_transport(store, {});
    const Cluster cluster = cluster_of(store, node_size);
    const std::vector<CommTask> tasks = token_points(cluster, store.size());
    return std::to_string(tasks.size()) + ": " +
           wrongs(store, *transport, node_size, store.size(), tasks);
  });
  for (const auto& end : ends) EXPECT_EQ(end.code, 0) << end.text;
  ASSERT_FALSE(ends.empty());
  // Loopback alone; padded and exact; two_hop as well where nodes have several ranks.
  const int algorithms = ranks == 1 ? 1 : ranks == node_size || node_size == 1 ? 2 : 3;
  std::string expected = std::to_string(4 * algorithms) + ": ";
  for (int i = 0; i < 4 * algorithms; ++i) expected += "0 ";
  EXPECT_EQ(ends[0].text, expected);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Tokens,
                         testing::Values(Shape{1, 1}, Shape{2, 2}, Shape{4, 1}, Shape{4, 2},
                                         Shape{8, 2}, Shape{16, 4}));

/// Passes everything on to another transport, whose groups it may change.
class PassingGroup : public CommGroup {
 public:
  explicit PassingGroup(CommGroup& group) : group_(group) {}
  int size() const override { return group_.size(); }
  int index() const override { return group_.index(); }
  void all_to_all(const std::byte* from, std::byte* to, std::size_t size) override {
    group_.all_to_all(from, to, size);
  }
  void exchange(const std::vector<Message>& sends, const std::vector<Message>& receives) override {
    group_.exchange(sends, receives);
  }
  void all_reduce(const std::byte* from, std::byte* to, std::size_t n, ElementType t) override {
    group_.all_reduce(from, to, n, t);
  }
  void reduce_scatter(const std::byte* from, std::byte* to, std::size_t n, ElementType t) override {
    group_.reduce_scatter(from, to, n, t);
  }
  void all_gather(const std::byte* from, std::byte* to, std::size_t share) override {
    group_.all_gather(from, to, share);
  }
  void broadcast(const std::byte* from, std::byte* to, std::size_t size) override {
    group_.broadcast(from, to, size);
  }

 protected:
  CommGroup& group_;
};

/// Turns the last bit of the last byte of large enough all-to-alls and exchanges.
class SpoilingGroup : public PassingGroup {
 public:
  SpoilingGroup(std::unique_ptr<CommGroup> group, std::size_t least)
      : PassingGroup(*group), own_(std::move(group)), least_(least) {}
  void all_to_all(const std::byte* from, std::byte* to, std::size_t size) override {
    group_.all_to_all(from, to, size);
    spoil(to, size);
  }
  void exchange(const std::vector<Message>& sends, const std::vector<Message>& receives) override {
    group_.exchange(sends, receives);
    for (const Message& message : receives) spoil(message.data, message.size);
  }

 private:
  void spoil(std::byte* data, std::size_t size) const {
    if (size >= least_) data[size / 2] ^= std::byte{0x40};
  }
  std::unique_ptr<CommGroup> own_;
  std::size_t least_;
};

class PassingTransport : public Transport {
 public:
  explicit PassingTransport(Store& store) : store_(store), own_(make_socket_transport(store, {})) {}
  std::string name() const override { return "test"; }
  std::unique_ptr<Memory> allocate(std::size_t size) override { return own_->allocate(size); }
  void upload(std::byte* to, const void* from, std::size_t size) override {
    own_->upload(to, from, size);
  }
  void download(void* to, const std::byte* from, std::size_t size) override {
    own_->download(to, from, size);
  }
  void copy_rows(const RowCopy& copy) override { own_->copy_rows(copy); }
  void sum_rows(const RowSum& sum) override { own_->sum_rows(sum); }
  std::unique_ptr<CommGroup> make_group(const std::vector<int>& ranks) override {
    return own_->make_group(ranks);
  }
  CommGroup& world() override { return own_->world(); }
  std::vector<Seconds> time_isolated(const Work& work, int count) override {
    return own_->time_isolated(work, count);
  }
  Seconds time_streaming(const Work& work, int count) override {
    return own_->time_streaming(work, count);
  }

 protected:
  Store& store_;
  std::unique_ptr<Transport> own_;
};

/// On rank 1 of all.
class SpoilingTransport : public PassingTransport {
 public:
  using PassingTransport::PassingTransport;
  std::unique_ptr<CommGroup> make_group(const std::vector<int>& ranks) override {
    auto group = own_->make_group(ranks);
    if (store_.rank() != 1 || group == nullptr) return group;
    return std::make_unique<SpoilingGroup>(std::move(group), 64);
  }
};

TEST(Checks, FindASpoiltByteAndTimeNothing) {
  const auto ends = test::run_forked(4, [](Store& store) {
    SpoilingTransport transport(store);
    const Cluster cluster = cluster_of(store, 2);
    std::vector<CommTask> tasks = token_points(cluster, 4);
    // Of the last ones with enough tokens a byte of dispatch goes wrong.
    tasks.erase(tasks.begin(), tasks.begin() + static_cast<std::ptrdiff_t>(tasks.size() / 2));
    tasks.push_back({.point = {.operation = Operation::all_to_all, .ranks = 4, .size = bytes(4096)},
                     .cadences = {Cadence::isolated}});
    return wrongs(store, transport, 2, 4, tasks);
  });
  ASSERT_EQ(ends.size(), 4U);
  for (const auto& end : ends) EXPECT_EQ(end.code, 0) << end.text;
  std::istringstream words(ends[0].text);
  int count = 0;
  for (std::string word; words >> word; ++count) {
    EXPECT_EQ(word.back(), '!') << ends[0].text;
    EXPECT_GT(std::stoi(word), 0) << ends[0].text;
  }
  EXPECT_EQ(count, 7);  // three algorithms, two ways, and the all-to-all
  // Of the all-to-all one byte, in the first part that rank 1 received.
  EXPECT_TRUE(ends[0].text.ends_with(" 1! ")) << ends[0].text;
}

/// One rank is late in everything that is timed.
class LaggingTransport : public PassingTransport {
 public:
  using PassingTransport::PassingTransport;
  static constexpr std::chrono::milliseconds kLag{20};
  std::vector<Seconds> time_isolated(const Work& work, int count) override {
    const bool lags = store_.rank() == 2;
    return own_->time_isolated(
        [&] {
          if (lags) std::this_thread::sleep_for(kLag);
          work();
        },
        count);
  }
};

TEST(Skew, ShowsTheRankThatLags) {
  const auto ends = test::run_forked(3, [](Store& store) {
    LaggingTransport transport(store);
    const Cluster cluster = cluster_of(store, 3);
    CommRunner runner(store, transport, cluster, 3);
    const auto records = runner.measure(
        {.point = {.operation = Operation::all_to_all, .ranks = 3, .size = bytes(3072)},
         .cadences = {Cadence::isolated}},
        {.iterations = 3, .warm_up = 1});
    store.barrier();
    if (store.rank() != 0) return std::string();
    // The longest of all ranks, so that a lag is in every time.
    for (const Seconds time : records.front().times) {
      if (time < milliseconds(20)) return "too short: " + std::to_string(time.in(milliseconds(1)));
    }
    return std::string("lag seen");
  });
  ASSERT_FALSE(ends.empty());
  EXPECT_EQ(ends[0].text, "lag seen");
}

/// One rank comes late out of every barrier.
class LateTransport : public PassingTransport {
 public:
  using PassingTransport::PassingTransport;
  std::vector<Seconds> time_isolated(const Work& work, int count) override {
    std::vector<Seconds> times;
    for (int i = 0; i < count; ++i) {
      store_.barrier();
      if (store_.rank() == 2) std::this_thread::sleep_for(std::chrono::milliseconds(20));
      const auto begin = std::chrono::steady_clock::now();
      work();
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      times.push_back(seconds(took.count()));
    }
    return times;
  }
};

TEST(Skew, NamesTheRankThatComesLast) {
  const auto ends = test::run_forked(4, [](Store& store) {
    LateTransport transport(store);
    const Cluster cluster = cluster_of(store, 4);
    CommRunner runner(store, transport, cluster, 4);
    const RankSkew skew = runner.measure_skew(5);
    store.barrier();
    // The others wait the 20 ms that it sleeps, but for what they came late themselves.
    return std::to_string(skew.last_rank) + (skew.skew > milliseconds(10) ? " late" : " even");
  });
  ASSERT_FALSE(ends.empty());
  EXPECT_EQ(ends[0].text, "2 late");
}

TEST(Transport, GivesUpAnOperationThatDoesNotEnd) {
  const auto ends = test::run_forked(3, [](Store& store) {
    const auto transport = make_socket_transport(store, {.timeout = 0.5});
    const auto from = transport->allocate(3000);
    const auto to = transport->allocate(3000);
    if (store.rank() == 1) {
      std::this_thread::sleep_for(std::chrono::seconds(2));
      return std::string("was asleep");
    }
    transport->world().all_to_all(from->data(), to->data(), 1000);
    return std::string("ended");
  });
  ASSERT_EQ(ends.size(), 3U);
  EXPECT_EQ(ends[0].text, "an operation did not end within 0 s; waiting for rank 1");
}

}  // namespace
}  // namespace planewise::calibration
