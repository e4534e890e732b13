#include "calibration/comm/pairs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "calibration/measure/statistics.h"

namespace planewise::calibration {
namespace {

constexpr double kSlowRate = 0.8;
constexpr double kSlowLatency = 2;
constexpr Seconds kLatencySlack = microseconds(5);

std::size_t at(int index) { return static_cast<std::size_t>(index); }

double median_seconds(const std::vector<Seconds>& times) {
  std::vector<double> values;
  for (const Seconds time : times) values.push_back(time.in(seconds(1)));
  return median(std::move(values));
}

/// What both ranks of each pair took for one message each way: the median of the longer one.
class PairClock {
 public:
  PairClock(Store& store, Transport& transport, Bytes most, int iterations)
      : store_(store),
        transport_(transport),
        iterations_(iterations),
        from_(transport.allocate(static_cast<std::size_t>(most.in(bytes(1))))),
        to_(transport.allocate(static_cast<std::size_t>(most.in(bytes(1))))) {}

  /// [rank] on rank 0; 0 of a rank at rest.
  std::vector<Seconds> times(const std::vector<int>& partner, Bytes size) {
    const int other = partner[at(store_.rank())];
    const auto length = static_cast<std::size_t>(size.in(bytes(1)));
    const Work work = [&] {
      if (other < 0) return;
      transport_.world().exchange({{other, from_->data(), length}}, {{other, to_->data(), length}});
    };
    transport_.time_streaming(work, 1);  // connects
    const double own = median_seconds(transport_.time_isolated(work, iterations_));
    std::vector<Seconds> all;
    for (const std::string& text : store_.gather(fmt::format("{}", own))) {
      all.push_back(seconds(std::stod(text)));
    }
    return all;
  }

 private:
  Store& store_;
  Transport& transport_;
  int iterations_;
  std::unique_ptr<Memory> from_;
  std::unique_ptr<Memory> to_;
};

struct ClassMedians {
  double latency = 0;  ///< In seconds.
  double rate = 0;     ///< In bytes a second.
};

std::map<PathClass, ClassMedians> medians_of(const std::vector<PairTime>& pairs) {
  std::map<PathClass, std::vector<double>> latencies;
  std::map<PathClass, std::vector<double>> rates;
  for (const PairTime& pair : pairs) {
    latencies[pair.path].push_back(pair.latency.in(seconds(1)));
    rates[pair.path].push_back(pair.rate.in(bytes_per_second(1)));
  }
  std::map<PathClass, ClassMedians> medians;
  for (const auto& [path, values] : latencies) {
    medians[path] = {.latency = median(values), .rate = median(rates[path])};
  }
  return medians;
}

bool is_slow(const PairTime& pair, const std::map<PathClass, ClassMedians>& medians) {
  const ClassMedians& usual = medians.at(pair.path);
  return pair.rate < bytes_per_second(usual.rate) * kSlowRate ||
         pair.latency > seconds(usual.latency) * kSlowLatency + kLatencySlack;
}

std::string rate_text(Rate rate) {
  return fmt::format("{:.3g} GB/s", rate.in(gigabytes_per_second(1)));
}

std::string rank_text(const Cluster& cluster, int rank) {
  const RankPlace& place = cluster.places[at(rank)];
  return fmt::format("rank {} ({}, place {}{})", rank, place.host, cluster.local_of[at(rank)],
                     place.nic.empty() ? "" : ", " + place.nic);
}

/// A rank half or more of whose pairs of a class are slow.
void judge_ranks(const std::vector<PairTime>& pairs, const Cluster& cluster,
                 const std::map<PathClass, ClassMedians>& medians, std::set<int>& blamed,
                 std::vector<PairFinding>& findings) {
  for (const auto& [path, usual] : medians) {
    std::map<int, std::vector<const PairTime*>> slow;
    std::map<int, int> all;
    for (const PairTime& pair : pairs) {
      if (pair.path != path) continue;
      for (const int rank : {pair.a, pair.b}) {
        ++all[rank];
        if (is_slow(pair, medians)) slow[rank].push_back(&pair);
      }
    }
    for (const auto& [rank, own] : slow) {
      if (2 * std::ssize(own) < all[rank] || all[rank] < 2) continue;
      std::vector<double> rates;
      for (const PairTime* pair : own) rates.push_back(pair->rate.in(bytes_per_second(1)));
      blamed.insert(rank);
      findings.push_back(
          {.rank = rank,
           .text = fmt::format("{}: {} of its {} {} pairs are slow, {} where the median of all is "
                               "{}: look at its NIC, its cable, and its rail",
                               rank_text(cluster, rank), own.size(), all[rank], to_string(path),
                               rate_text(bytes_per_second(median(rates))),
                               rate_text(bytes_per_second(usual.rate)))});
    }
  }
}

void judge_nics(const Cluster& cluster, std::vector<PairFinding>& findings) {
  std::map<std::pair<int, std::string>, std::vector<int>> ranks;
  for (int rank = 0; rank < cluster.ranks(); ++rank) {
    const std::string& nic = cluster.places[at(rank)].nic;
    if (!nic.empty()) ranks[{cluster.node_of[at(rank)], nic}].push_back(rank);
  }
  for (const auto& [nic, own] : ranks) {
    if (own.size() < 2) continue;
    findings.push_back(
        {.text = fmt::format("ranks {} of {} have the same nearest NIC, {}", fmt::join(own, ", "),
                             cluster.places[at(own.front())].host, nic.second)});
  }
}

std::vector<std::vector<int>> sampled(std::vector<std::vector<int>> rounds, int most) {
  if (std::ssize(rounds) <= most) return rounds;
  std::vector<std::vector<int>> some;
  for (int i = 0; i < most; ++i) some.push_back(rounds[rounds.size() * at(i) / at(most)]);
  return some;
}

/// The slow pairs once more, one after the other.
void measure_alone(Store& store, const Cluster& cluster, PairClock& clock, Bytes size,
                   std::vector<PairTime>& pairs) {
  constexpr int kMost = 32;
  std::string list;
  if (store.rank() == 0) {
    const auto medians = medians_of(pairs);
    int count = 0;
    for (const PairTime& pair : pairs) {
      if (!is_slow(pair, medians) || ++count > kMost) continue;
      list += fmt::format("{} {} ", pair.a, pair.b);
    }
  }
  std::istringstream in(store.broadcast(list));
  for (int a = 0, b = 0; in >> a >> b;) {
    std::vector<int> partner(at(cluster.ranks()), -1);
    partner[at(a)] = b;
    partner[at(b)] = a;
    const std::vector<Seconds> times = clock.times(partner, size);
    for (PairTime& pair : pairs) {
      if (pair.a == a && pair.b == b) pair.alone = size / std::max(times[at(a)], times[at(b)]);
    }
  }
}

}  // namespace

const std::string& to_string(PathClass path) {
  static const std::vector<std::string> words = {"nvlink", "rail", "cross_rail", "cross_leaf",
                                                 "cross_plane"};
  return words[static_cast<std::size_t>(path)];
}

PathClass path_class(const Cluster& cluster, const spec::HostsSpec* hosts, int a, int b) {
  if (cluster.node_of[at(a)] == cluster.node_of[at(b)]) return PathClass::nvlink;
  const int local_a = cluster.local_of[at(a)];
  const int local_b = cluster.local_of[at(b)];
  if (local_a != local_b) {
    const bool has_planes =
        hosts != nullptr && std::max(local_a, local_b) < static_cast<int>(hosts->planes.size());
    const bool differ = has_planes && hosts->planes[at(local_a)] != hosts->planes[at(local_b)];
    return differ ? PathClass::cross_plane : PathClass::cross_rail;
  }
  if (hosts == nullptr) return PathClass::rail;
  const spec::HostPlace* place_a = spec::find_host(*hosts, cluster.places[at(a)].host);
  const spec::HostPlace* place_b = spec::find_host(*hosts, cluster.places[at(b)].host);
  const bool differ = place_a != nullptr && place_b != nullptr && place_a->leaf != place_b->leaf;
  return differ ? PathClass::cross_leaf : PathClass::rail;
}

std::vector<std::vector<int>> pair_rounds(int ranks) {
  // All but the last place turn around a circle; an odd one has a place that is nobody's.
  const int places = ranks + ranks % 2;
  std::vector<std::vector<int>> rounds;
  for (int round = 0; round + 1 < places; ++round) {
    std::vector<int> partner(at(ranks), -1);
    const auto meet = [&](int a, int b) {
      if (a >= ranks || b >= ranks) return;
      partner[at(a)] = b;
      partner[at(b)] = a;
    };
    meet(round, places - 1);
    for (int step = 1; step < places / 2; ++step) {
      meet((round + step) % (places - 1), (round + places - 1 - step) % (places - 1));
    }
    rounds.push_back(std::move(partner));
  }
  return rounds;
}

std::vector<PairTime> measure_pairs(Store& store, Transport& transport, const Cluster& cluster,
                                    const spec::HostsSpec* hosts, const PairOptions& options) {
  std::vector<PairTime> pairs;
  if (cluster.ranks() < 2) return pairs;
  PairClock clock(store, transport, options.large, options.iterations);
  for (const std::vector<int>& partner :
       sampled(pair_rounds(cluster.ranks()), options.rounds_most)) {
    const std::vector<Seconds> latencies = clock.times(partner, options.small);
    const std::vector<Seconds> times = clock.times(partner, options.large);
    for (int a = 0; store.rank() == 0 && a < cluster.ranks(); ++a) {
      const int b = partner[at(a)];
      if (b < a) continue;
      pairs.push_back({.a = a,
                       .b = b,
                       .path = path_class(cluster, hosts, a, b),
                       .latency = std::max(latencies[at(a)], latencies[at(b)]),
                       .rate = options.large / std::max(times[at(a)], times[at(b)])});
    }
  }
  measure_alone(store, cluster, clock, options.large, pairs);
  std::sort(pairs.begin(), pairs.end(), [](const PairTime& x, const PairTime& y) {
    return std::pair(x.a, x.b) < std::pair(y.a, y.b);
  });
  return pairs;
}

std::vector<PairFinding> judge_pairs(const std::vector<PairTime>& pairs, const Cluster& cluster) {
  std::vector<PairFinding> findings;
  const auto medians = medians_of(pairs);
  std::set<int> blamed;
  judge_ranks(pairs, cluster, medians, blamed, findings);
  for (const PairTime& pair : pairs) {
    if (!is_slow(pair, medians) || blamed.contains(pair.a) || blamed.contains(pair.b)) continue;
    const std::string alone = pair.alone ? ", alone " + rate_text(*pair.alone) : "";
    findings.push_back(
        {.text = fmt::format(
             "ranks {} and {} ({}): {} and {:.1f} us{}; the medians of all are {} and {:.1f} us",
             pair.a, pair.b, to_string(pair.path), rate_text(pair.rate),
             pair.latency.in(microseconds(1)), alone,
             rate_text(bytes_per_second(medians.at(pair.path).rate)),
             medians.at(pair.path).latency * 1e6)});
  }
  judge_nics(cluster, findings);
  return findings;
}

}  // namespace planewise::calibration
