// Laws of max-min fair sharing, on random cases.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "engine/engine.h"
#include "engine/engines.h"
#include "engine/scenario.h"
#include "engine/seeds.h"

namespace planewise::engine {
namespace {

// Sums of some 30 rates, and times after some 100 events, each rounded at 1e-16.
constexpr double kTolerance = 1e-12;

/// Flows that each have, at the end of their path, a link of their own which is never full: its
/// load is their rate.
struct Crowd {
  std::vector<Rate> capacities;  ///< First the shared links, then one for each flow.
  std::vector<Flow> flows;
  std::vector<std::vector<LinkId>> paths;
  LinkId shared_count = 0;
};

Crowd random_crowd(std::uint64_t seed) {
  Random random(mix_bits(seed));
  Crowd crowd;
  crowd.shared_count = static_cast<LinkId>(random.integer(1, 12));
  const auto flow_count = static_cast<std::size_t>(random.integer(1, 30));
  for (LinkId link = 0; link < crowd.shared_count; ++link) {
    crowd.capacities.push_back(
        gigabytes_per_second(random.integer(0, 9) == 0 ? 0 : 1 + 9 * random.uniform()));
  }
  for (std::size_t i = 0; i < flow_count; ++i) {
    std::vector<LinkId> path;
    for (std::int64_t hops = random.integer(1, 4); hops > 0; --hops) {
      path.push_back(static_cast<LinkId>(random.integer(0, crowd.shared_count - 1)));
    }
    path.push_back(static_cast<LinkId>(crowd.capacities.size()));
    crowd.capacities.push_back(gigabytes_per_second(1e6));
    crowd.paths.push_back(path);
    crowd.flows.push_back({.id = i,
                           .path = {},
                           .size = bytes(1e6 * (0.1 + random.uniform())),
                           .weight = static_cast<int>(random.integer(1, 4))});
  }
  for (std::size_t i = 0; i < flow_count; ++i) crowd.flows[i].path = crowd.paths[i];
  return crowd;
}

class Law : public EachEngine {
 protected:
  /// Brute force and SimGrid take longer, and are not what is being tested.
  std::vector<std::uint64_t> some_seeds() const {
    return seeds(GetParam().name == "fast" ? 500 : 20);
  }
};

/// Checks that no link is over its capacity, and that each flow has a link which is full and on
/// which no other flow has a higher rate: then its rate could only rise at the cost of one that is
/// not higher.
void expect_max_min_fair(Engine& engine, const Crowd& crowd, const std::vector<bool>& in_flight) {
  std::vector<double> load;
  for (std::size_t l = 0; l < crowd.capacities.size(); ++l) {
    load.push_back(engine.load(static_cast<LinkId>(l)).base());
    ASSERT_LE(load[l], crowd.capacities[l].base() * (1 + kTolerance)) << "link " << l;
  }
  std::vector<double> rate;
  std::vector<double> highest(crowd.capacities.size(), 0);
  for (std::size_t f = 0; f < crowd.flows.size(); ++f) {
    rate.push_back(load[static_cast<std::size_t>(crowd.paths[f].back())] / crowd.flows[f].weight);
    for (const LinkId link : crowd.paths[f]) {
      double& most = highest[static_cast<std::size_t>(link)];
      most = std::max(most, rate[f]);
    }
  }
  for (std::size_t f = 0; f < crowd.flows.size(); ++f) {
    if (!in_flight[f]) continue;
    const bool bounded =
        std::any_of(crowd.paths[f].begin(), crowd.paths[f].end(), [&](LinkId link) {
          const auto l = static_cast<std::size_t>(link);
          const bool full = load[l] >= crowd.capacities[l].base() * (1 - kTolerance);
          return full && rate[f] >= highest[l] * (1 - kTolerance);
        });
    ASSERT_TRUE(bounded) << "flow " << f << " of rate " << rate[f] << " could be raised";
  }
}

TEST_P(Law, SharingIsMaxMinFairAfterEveryEvent) {
  for (const std::uint64_t seed : some_seeds()) {
    SCOPED_TRACE(seed_note(seed));
    const Crowd crowd = random_crowd(seed);
    std::vector<bool> in_flight(crowd.flows.size(), true);
    std::unique_ptr<Engine> engine;
    engine =
        GetParam().make(crowd.capacities, {.on_flow =
                                               [&](FlowId id) {
                                                 in_flight[id] = false;
                                                 expect_max_min_fair(*engine, crowd, in_flight);
                                               },
                                           .on_timer = {}});
    for (const Flow& flow : crowd.flows) engine->start_flow(flow);
    expect_max_min_fair(*engine, crowd, in_flight);
    engine->run();
    if (HasFatalFailure()) return;
  }
}

TEST_P(Law, LinksCarryWhatTheirFlowsSend) {
  for (const std::uint64_t seed : some_seeds()) {
    SCOPED_TRACE(seed_note(seed));
    const Crowd crowd = random_crowd(seed);
    std::vector<double> load(crowd.capacities.size());
    std::vector<double> carried(crowd.capacities.size());
    std::vector<double> sent(crowd.capacities.size());
    Seconds since{};
    std::unique_ptr<Engine> engine;
    // What is read after the last callback of an instant holds until the next one.
    const auto read_loads = [&] {
      for (std::size_t l = 0; l < load.size(); ++l) {
        carried[l] += load[l] * (engine->now() - since).base();
        load[l] = engine->load(static_cast<LinkId>(l)).base();
      }
      since = engine->now();
    };
    const auto count = [&](const Flow& flow, Bytes size) {
      for (const LinkId link : flow.path) {
        sent[static_cast<std::size_t>(link)] += flow.weight * size.base();
      }
    };
    engine = GetParam().make(crowd.capacities, {.on_flow =
                                                    [&](FlowId id) {
                                                      count(crowd.flows[id], crowd.flows[id].size);
                                                      read_loads();
                                                    },
                                                .on_timer =
                                                    [&](TimerId id) {
                                                      const Flow& flow = crowd.flows[id];
                                                      count(flow, flow.size - engine->cancel(id));
                                                      read_loads();
                                                    }});
    for (const Flow& flow : crowd.flows) engine->start_flow(flow);
    engine->at(microseconds(1), 0);  // One flow is cancelled long before its end.
    read_loads();
    engine->run();
    for (std::size_t l = 0; l < load.size(); ++l) {
      // Against 1e6, as a flow at a stopped link carries next to nothing.
      ASSERT_NEAR(carried[l], sent[l], kTolerance * std::max(sent[l], 1e6)) << "link " << l;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Engine, Law, testing::ValuesIn(all_engines()), name_of);

/// When each flow of sizes `kilobytes` and their weights ends, all on one link.
std::vector<Seconds> ends_on_one_link(const std::vector<std::pair<int, int>>& flows,
                                      Rate capacity) {
  std::vector<Seconds> ends(flows.size());
  const std::vector<LinkId> path = {0};
  std::unique_ptr<Engine> engine;
  engine = make_fast_engine(
      {capacity}, {.on_flow = [&](FlowId id) { ends[id] = engine->now(); }, .on_timer = {}});
  for (std::size_t i = 0; i < flows.size(); ++i) {
    engine->start_flow(
        {.id = i, .path = path, .size = bytes(1e3 * flows[i].first), .weight = flows[i].second});
  }
  EXPECT_TRUE(engine->run());
  return ends;
}

/// A property of flows on one link, shrunk to the least that breaks it: sizes in kB, and weights.
rc::Gen<std::vector<std::pair<int, int>>> flows_on_one_link() {
  return rc::gen::container<std::vector<std::pair<int, int>>>(
      rc::gen::pair(rc::gen::inRange(0, 5000), rc::gen::inRange(1, 6)));
}

TEST(OneLink, MoreBandwidthIsNeverSlower) {
  seed_rapidcheck();
  EXPECT_TRUE(rc::check("no flow ends later on a wider link", [] {
    const auto flows = *flows_on_one_link();
    const Rate capacity = gigabytes_per_second(*rc::gen::inRange(1, 100));
    const double more = 1 + 0.01 * *rc::gen::inRange(0, 1000);
    const std::vector<Seconds> narrow = ends_on_one_link(flows, capacity);
    const std::vector<Seconds> wide = ends_on_one_link(flows, capacity * more);
    for (std::size_t i = 0; i < flows.size(); ++i) {
      RC_ASSERT(wide[i].base() <= narrow[i].base() * (1 + kTolerance));
    }
  }));
}

TEST(OneLink, IsNeverIdleBeforeTheLastEnd) {
  seed_rapidcheck();
  EXPECT_TRUE(rc::check("the last flow ends when all bytes are sent", [] {
    const auto flows = *flows_on_one_link();
    const Rate capacity = gigabytes_per_second(3);
    double total = 0;
    for (const auto& [kilobytes, weight] : flows) total += 1e3 * kilobytes * weight;
    double last = 0;
    for (const Seconds end : ends_on_one_link(flows, capacity)) last = std::max(last, end.base());
    const double expected = (bytes(total) / capacity).base();
    RC_ASSERT(std::abs(last - expected) <= kTolerance * expected);
  }));
}

/// `scenario` with every flow of weight w as w flows of weight 1. Cancels are left out: they name
/// one flow.
Scenario split_weights(const Scenario& scenario, std::vector<int>& first_of) {
  Scenario split{
      .capacities = scenario.capacities, .flows = {}, .changes = scenario.changes, .cancels = {}};
  for (const PlannedFlow& flow : scenario.flows) {
    first_of.push_back(static_cast<int>(split.flows.size()));
    for (int member = 0; member < flow.weight; ++member) {
      split.flows.push_back(flow);
      split.flows.back().weight = 1;
      if (flow.after >= 0)
        split.flows.back().after = first_of[static_cast<std::size_t>(flow.after)];
    }
  }
  return split;
}

std::map<int, Seconds> ends_of(const std::vector<Entry>& log) {
  std::map<int, Seconds> ends;
  for (const Entry& entry : log) {
    if (entry.what == Entry::What::ended) ends[entry.index] = entry.time;
  }
  return ends;
}

TEST(Weight, IsThatManyFlows) {
  for (const std::uint64_t seed : seeds(300)) {
    SCOPED_TRACE(seed_note(seed));
    Scenario whole = random_scenario(seed, {});
    whole.cancels.clear();
    std::vector<int> first_of;
    const Scenario split = split_weights(whole, first_of);
    const std::map<int, Seconds> expected = ends_of(play(split, make_fast_engine));
    for (const auto& [index, end] : ends_of(play(whole, make_fast_engine))) {
      const int first = first_of[static_cast<std::size_t>(index)];
      for (int member = 0; member < whole.flows[static_cast<std::size_t>(index)].weight; ++member) {
        ASSERT_NEAR(end.base(), expected.at(first + member).base(), kTolerance * end.base());
      }
    }
  }
}

}  // namespace
}  // namespace planewise::engine
