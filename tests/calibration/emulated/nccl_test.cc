// NCCL's transport between processes, over a fake NCCL and GPUs that the processor stands for: the
// same checks as over sockets, and what it does when a rank is lost.
#include <gtest/gtest.h>

#include <thread>

#include "calibration/comm/comm_run.h"
#include "calibration/ranks/forked_ranks.h"
#include "fake_nccl.h"

namespace planewise::calibration {
namespace {

std::unique_ptr<Transport> nccl(Store& store, double timeout = 20) {
  auto made = make_nccl_transport(store, store.rank(), {.timeout = timeout});
  if (auto* transport = std::get_if<std::unique_ptr<Transport>>(&made))
    return std::move(*transport);
  throw std::runtime_error(std::get<NotMeasured>(made).reason);
}

std::vector<test::RankEnd> run_ranks(int ranks, const std::function<std::string(Store&)>& body) {
  void* memory = emulated::make_nccl_memory(ranks);
  return test::run_forked(ranks, [&](Store& store) {
    emulated::attach_nccl(memory, store.rank(), ranks);
    return body(store);
  });
}

/// Wrong elements of every point, a word each, on rank 0.
std::string wrongs(Store& store, Transport& transport, const Cluster& cluster, int expert_ranks,
                   const std::vector<CommTask>& tasks) {
  CommRunner runner(store, transport, cluster, expert_ranks);
  std::string text;
  for (const CommTask& task : tasks) {
    for (const CommPointRecord& record :
         runner.measure(task, {.iterations = 2, .warm_up = 1, .seed = 3})) {
      text += std::to_string(record.wrong) + (record.times.size() == 0 ? "! " : " ");
    }
  }
  store.barrier();
  return text;
}

Cluster cluster_of(Store& store) {
  return find_cluster(store, {.host = "node " + std::to_string(store.rank() / 2)});
}

TEST(NcclTransport, CollectivesArriveRight) {
  const auto ends = run_ranks(4, [](Store& store) {
    const auto transport = nccl(store);
    const Cluster cluster = cluster_of(store);
    std::vector<CommTask> tasks;
    for (const char* type : {"float", "bfloat16", "f8e4m3"}) {
      const auto more = sweep_tasks(
          cluster,
          {.operations = {Operation::all_to_all, Operation::all_reduce, Operation::reduce_scatter,
                          Operation::all_gather, Operation::broadcast, Operation::send},
           .groups = {GroupKind::node, GroupKind::rail, GroupKind::world},
           .least = bytes(64),
           .most = bytes(200'000),
           .factor = 55,
           .datatype = type,
           .expert_ranks = 2});
      tasks.insert(tasks.end(), more.begin(), more.end());
    }
    return transport->name() + ": " + wrongs(store, *transport, cluster, 2, tasks);
  });
  ASSERT_EQ(ends.size(), 4U);
  for (const auto& end : ends) EXPECT_EQ(end.code, 0) << end.text;
  const std::string name = "nccl 2.28.9: ";
  ASSERT_TRUE(ends[0].text.starts_with(name)) << ends[0].text;
  const std::string words = ends[0].text.substr(name.size());
  EXPECT_EQ(words.find_first_not_of("0 "), std::string::npos) << words;
  EXPECT_GT(words.size(), 200U);
}

TEST(NcclTransport, TokensArriveOnceAndComeBackWeighted) {
  const auto ends = run_ranks(4, [](Store& store) {
    const auto transport = nccl(store);
    const Cluster cluster = cluster_of(store);
    LayerSizes sizes;
    sizes.hidden = 256;
    sizes.experts = 32;
    sizes.experts_per_token = 5;
    sizes.groups_per_token = 2;
    const auto tasks = token_tasks(cluster, {.expert_ranks = 4, .sizes = sizes, .tokens = {19}});
    return wrongs(store, *transport, cluster, 4, tasks);
  });
  for (const auto& end : ends) EXPECT_EQ(end.code, 0) << end.text;
  ASSERT_FALSE(ends.empty());
  EXPECT_EQ(ends[0].text, "0 0 0 0 0 0 ");  // padded, exact and two_hop, there and back
}

TEST(NcclTransport, AbortsWhenARankIsLost) {
  const auto ends = run_ranks(3, [](Store& store) {
    const auto transport = nccl(store);
    const auto from = transport->allocate(3000);
    const auto to = transport->allocate(3000);
    if (store.rank() == 1) raise(SIGKILL);
    try {
      transport->time_isolated(
          [&] { transport->world().all_to_all(from->data(), to->data(), 1000); }, 1);
    } catch (const PeerFailed& failure) {
      if (emulated::aborted_communicators() != 1) return std::string("not aborted");
      return std::string(failure.what());
    }
    return std::string("it ended");
  });
  ASSERT_EQ(ends.size(), 3U);
  EXPECT_EQ(ends[0].text, "rank 1 is gone (its connection closed)");
  EXPECT_NE(ends[2].text, "it ended");
  EXPECT_NE(ends[2].text, "not aborted");
}

TEST(NcclTransport, GivesUpWhatDoesNotEnd) {
  const auto ends = run_ranks(2, [](Store& store) {
    const auto transport = nccl(store, 1);
    const auto from = transport->allocate(2000);
    const auto to = transport->allocate(2000);
    if (store.rank() == 1) {
      std::this_thread::sleep_for(std::chrono::seconds(3));
      return std::string("was asleep");
    }
    try {
      transport->world().all_to_all(from->data(), to->data(), 1000);
      transport->download(to->data(), from->data(), 1);
    } catch (const PeerFailed& failure) {
      return std::string(failure.what());
    }
    return std::string("it ended");
  });
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_EQ(ends[0].text, "an operation did not end within 1 s; NCCL says nothing of an error");
}

TEST(NcclTransport, SaysWhereThereAreTooFewGpus) {
  EXPECT_EQ(nccl_problem(1), "");
  EXPECT_EQ(nccl_problem(4), "4 ranks, one a GPU, and 1 GPUs");
}

}  // namespace
}  // namespace planewise::calibration
