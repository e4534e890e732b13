#include "calibration/fit/measured_collectives.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "calibration/fit/held_out.h"
#include "calibration/fit/piecewise.h"
#include "calibration/measure/statistics.h"
#include "workload/exchange_program.h"
#include "workload/measured_program.h"
#include "workload/traffic_program.h"

namespace planewise::calibration {
namespace {

/// What stands for an efficiency of 1 where fit_piecewise has rates: a second of moving at the
/// link's full rate is a gigabyte.
constexpr Rate kFullRate = gigabytes_per_second(1);
constexpr double kLeastSigma = 0.01;

/// All rounds of one point.
struct Rounds {
  const CommPointRecord* first = nullptr;
  std::vector<double> medians{};  ///< In seconds.

  Seconds time() const { return seconds(median(medians)); }
  double sigma() const {
    const auto [least, most] = std::minmax_element(medians.begin(), medians.end());
    return std::hypot(kLeastSigma, (*most - *least) / (2 * time().in(seconds(1))));
  }
};

/// Points of one operation over sizes.
struct Series {
  spec::MeasuredExchange exchange{};
  std::vector<Rounds> rounds{};  ///< As exchange.times.
};

bool comes_before(const Rounds& a, const Rounds& b) {
  return a.first->point.size < b.first->point.size ||
         (a.first->point.size == b.first->point.size && a.first->wire < b.first->wire);
}

/// Points with times, all rounds of each together.
std::vector<Rounds> rounds_of(const RawFile& raw) {
  std::vector<Rounds> all;
  std::map<std::string, std::size_t> places;
  for (const CommPointRecord& record : raw.comm_points) {
    if (record.times.empty()) continue;
    std::vector<double> times;
    for (const Seconds time : record.times) times.push_back(time.in(seconds(1)));
    const auto [entry, is_new] = places.try_emplace(record.key, all.size());
    if (is_new) all.push_back({.first = &record});
    all[entry->second].medians.push_back(median(std::move(times)));
  }
  return all;
}

/// What all points of a series have in common.
auto series_key(const CommPoint& p) {
  const bool has_tokens = carries_tokens(p.operation);
  return std::tuple(p.operation, p.algorithm, p.group, p.cadence, p.ranks, p.nodes, p.groups,
                    has_tokens ? p.load.bytes_per_token : Bytes{}, has_tokens ? "" : p.datatype);
}

std::vector<Series> series_of(const RawFile& raw) {
  std::vector<Series> all;
  std::map<decltype(series_key({})), std::size_t> places;
  std::vector<Rounds> rounds = rounds_of(raw);
  std::stable_sort(rounds.begin(), rounds.end(), comes_before);
  for (Rounds& each : rounds) {
    const CommPoint& p = each.first->point;
    if (p.group == GroupKind::pair) continue;  // see pair_series
    const auto [entry, is_new] = places.try_emplace(series_key(p), all.size());
    if (is_new) {
      all.push_back({.exchange = {.operation = p.operation,
                                  .algorithm = p.algorithm,
                                  .group = p.group,
                                  .cadence = p.cadence,
                                  .ranks = p.ranks,
                                  .nodes = p.nodes,
                                  .groups = p.groups,
                                  .ranks_per_node = raw.cluster->ranks_per_node,
                                  .load = p.load}});
      all.back().exchange.load.tokens = 0;
    }
    Series& series = all[entry->second];
    const Bytes size = carries_tokens(p.operation) ? std::max(bytes(1), each.first->wire) : p.size;
    series.exchange.times.push_back({.size = size,
                                     .tokens = carries_tokens(p.operation) ? p.load.tokens : 0,
                                     .time = each.time()});
    series.rounds.push_back(std::move(each));
  }
  return all;
}

/// All pairs of one reach as one series: of each size their median.
std::vector<Series> pair_series(const RawFile& raw) {
  std::vector<Series> all;
  for (const int nodes : {1, 2}) {
    Series series{.exchange = {.operation = Operation::send,
                               .group = GroupKind::pair,
                               .ranks = 2,
                               .nodes = nodes,
                               .ranks_per_node = 2 / nodes}};
    std::map<Bytes, Rounds> by_size;
    for (const CommPointRecord& record : raw.comm_points) {
      const CommPoint& p = record.point;
      if (p.group != GroupKind::pair || p.nodes != nodes || record.times.empty()) continue;
      Rounds& rounds = by_size[p.size];
      rounds.first = &record;
      rounds.medians.push_back(record.times.front().in(seconds(1)));
    }
    for (auto& [size, rounds] : by_size) {
      series.exchange.times.push_back({.size = size, .time = rounds.time()});
      series.rounds.push_back(std::move(rounds));
    }
    if (series.rounds.size() > 1) all.push_back(std::move(series));
  }
  return all;
}

bool is_two_hop(const spec::MeasuredExchange& exchange) {
  return carries_tokens(exchange.operation) && workload::collective_id(exchange) != "all_to_all";
}

/// Whether a curve may be fitted to it; what is predicted from others' curves is not.
bool is_fittable(const Series& series) {
  const spec::MeasuredExchange& exchange = series.exchange;
  if (!workload::replay_problem(exchange).empty()) return false;
  if (exchange.operation == Operation::broadcast) return false;
  return !carries_tokens(exchange.operation) || is_two_hop(exchange);
}

/// Of two series of one curve the one that it is fitted to.
bool is_better(const Series& a, const Series& b) {
  const auto rank = [](const Series& s) {
    return std::tuple(s.exchange.group != GroupKind::pair, s.exchange.cadence == Cadence::isolated,
                      s.exchange.ranks, s.exchange.groups * s.exchange.ranks,
                      s.exchange.times.size());
  };
  return rank(a) > rank(b);
}

/// A time of the simulator as constant + lats x latency + moving / efficiency.
struct Terms {
  Seconds constant{};
  double latencies = 1;
  Seconds moving{};  ///< At the full rate of the links.
};

/// What bounds an exchange over two hops: the rail's bytes, or NVLink's; see
/// published_collectives.h.
Terms two_hop_terms(const Series& series, std::size_t index, const FitLinks& links) {
  const CommPointRecord& record = *series.rounds[index].first;
  const Bytes in_node = record.wire - record.wire_rail;
  const Seconds rail =
      links.fabric.network_rate > Rate{} ? record.wire_rail / links.fabric.network_rate : Seconds{};
  const Seconds nvlink =
      links.fabric.nvlink_rate > Rate{} ? in_node / links.fabric.nvlink_rate : Seconds{};
  return {.constant = links.fabric.network_latency, .moving = std::max(rail, nvlink)};
}

Terms collective_terms(const spec::MeasuredExchange& exchange, const spec::ExchangeTime& size,
                       const FitLinks& links) {
  const spec::TrafficStep step = workload::step_of(exchange, size);
  const workload::RankGroups groups = workload::groups_of(exchange);
  const workload::Placement placement =
      workload::place_in_order(workload::rank_count(exchange), exchange.ranks_per_node);
  const auto time = [&](Seconds latency, double efficiency) {
    const spec::CollectiveCurve curve{
        .latency = latency, .rail_efficiency = efficiency, .nvlink_efficiency = efficiency};
    return workload::idle_time(
        {.step = step, .groups = groups, .placement = placement, .curve = curve}, links.fabric);
  };
  // Of NVLink and the network the slower one counts. Where bytes are dear that is the one that the
  // efficiency is about, and not the one with the longer way.
  constexpr double kDear = 1000;
  const Seconds dear = time({}, 1 / kDear);
  const Seconds moving = (time({}, 0.5 / kDear) - dear) / kDear;
  return {.constant = std::max(Seconds{}, dear - moving * kDear),
          .latencies = (time(microseconds(1), 1 / kDear) - dear).in(microseconds(1)),
          .moving = moving};
}

class CurveMaker {
 public:
  CurveMaker(Series& series, const FitLinks& links) : series_(series) {
    for (std::size_t i = 0; i < series.rounds.size(); ++i) {
      terms_.push_back(is_two_hop(series.exchange)
                           ? two_hop_terms(series, i, links)
                           : collective_terms(series.exchange, series.exchange.times[i], links));
      sent_.push_back(workload::sent_by_rank(series.exchange, series.exchange.times[i]));
    }
  }

  /// Relative errors at points held out.
  std::vector<double> held_out_errors() const {
    std::vector<double> errors;
    for (const Split& split : held_out_splits(terms_.size())) {
      const std::vector<AlphaBeta> pieces = fit(split.fitted);
      for (const std::size_t i : split.held_out) errors.push_back(error_at(i, pieces));
    }
    return errors;
  }

  /// The curve of all points; marks them as fitted.
  spec::CollectiveCurve curve(const std::string& source) {
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < terms_.size(); ++i) {
      all.push_back(i);
      series_.exchange.times[i].is_fitted = true;
    }
    spec::CollectiveCurve curve{.id = workload::collective_id(series_.exchange),
                                .reach = workload::reach_of(series_.exchange),
                                .evidence = spec::Evidence::fitted,
                                .source = source};
    const std::vector<AlphaBeta> pieces = fit(all);
    for (const AlphaBeta& piece : pieces) {
      const double efficiency = piece.rate.in(kFullRate);
      if (&piece == &pieces.front()) {
        curve.latency = piece.overhead;
        curve.rail_efficiency = curve.nvlink_efficiency = efficiency;
        continue;
      }
      curve.pieces.push_back({.from = sent_at(piece.from),
                              .latency = piece.overhead,
                              .rail_efficiency = efficiency,
                              .nvlink_efficiency = efficiency});
    }
    return curve;
  }

 private:
  Bytes moved(std::size_t i) const { return terms_[i].moving / terms_[i].latencies * kFullRate; }
  Seconds beyond(std::size_t i) const {
    const Seconds rest = series_.exchange.times[i].time - terms_[i].constant;
    return std::max(rest, microseconds(1e-3)) / terms_[i].latencies;
  }

  std::vector<AlphaBeta> fit(const std::vector<std::size_t>& indexes) const {
    std::vector<SizePoint> points;
    for (const std::size_t i : indexes) {
      points.push_back({.size = moved(i), .time = beyond(i), .sigma = series_.rounds[i].sigma()});
    }
    std::vector<AlphaBeta> pieces = fit_piecewise(points);
    for (AlphaBeta& piece : pieces) cap(piece, points);
    return pieces;
  }

  /// No link is faster than itself: the rate is capped, and the latency goes with it so that the
  /// piece's last point keeps its time.
  static void cap(AlphaBeta& piece, const std::vector<SizePoint>& points) {
    if (piece.rate <= kFullRate) return;
    const SizePoint* last = nullptr;
    for (const SizePoint& point : points) {
      if (point.size >= piece.from || last == nullptr) last = &point;
    }
    const Seconds time = piece.overhead + last->size / piece.rate;
    piece.rate = kFullRate;
    piece.overhead = std::max(Seconds{}, time - last->size / kFullRate);
  }

  double error_at(std::size_t i, const std::vector<AlphaBeta>& pieces) const {
    const Seconds predicted = terms_[i].constant + time_at(pieces, moved(i)) * terms_[i].latencies;
    return predicted.in(series_.exchange.times[i].time) - 1;
  }

  /// What a rank sends where its moving takes as long: between two points by their logarithms.
  Bytes sent_at(Bytes border) const {
    for (std::size_t i = 0; i + 1 < sent_.size(); ++i) {
      if (moved(i + 1) < border) continue;
      if (moved(i) <= Bytes{} || moved(i + 1) <= moved(i)) return sent_[i + 1];
      const double share = std::log(border.in(moved(i))) / std::log(moved(i + 1).in(moved(i)));
      return sent_[i] * std::pow(sent_[i + 1].in(sent_[i]), std::clamp(share, 0.0, 1.0));
    }
    return sent_.back();
  }

  Series& series_;
  std::vector<Terms> terms_{};
  std::vector<Bytes> sent_{};
};

void fit_series(Series& series, const FitLinks& links, const std::string& source,
                FittedCollectives& out) {
  CurveMaker maker(series, links);
  const std::vector<double> errors = maker.held_out_errors();
  const spec::HeldOutError summary = summarise_errors(errors);
  spec::CollectiveCurve curve =
      maker.curve(fmt::format("{}; {} of {} {} groups of {} on {} {}, {}; shares of {}", source,
                              to_string(series.exchange.operation), series.exchange.groups,
                              to_string(series.exchange.group), series.exchange.ranks,
                              series.exchange.nodes, series.exchange.nodes == 1 ? "node" : "nodes",
                              to_string(series.exchange.cadence), links.source));
  if (summary.points > 0) {
    const auto rounded = [](double share) { return std::round(share * 1e5) / 1e5; };
    curve.held_out = spec::HeldOutError{.points = summary.points,
                                        .median = rounded(summary.median),
                                        .p90 = rounded(summary.p90),
                                        .most = rounded(summary.most)};
  }
  const auto unstable =
      std::count_if(series.rounds.begin(), series.rounds.end(),
                    [](const Rounds& rounds) { return !is_stable(rounds.medians); });
  const char* reach = curve.reach == spec::Reach::network ? " over nodes" : " in a node";
  out.fits.push_back({.id = curve.id + reach,
                      .points = static_cast<int>(series.rounds.size()),
                      .held_out = summary.points,
                      .held_out_median = summary.median,
                      .held_out_p90 = summary.p90,
                      .held_out_max = summary.most,
                      .unstable = static_cast<int>(unstable)});
  out.errors.insert(out.errors.end(), errors.begin(), errors.end());
  out.curves.push_back(std::move(curve));
}

/// The fastest pair of a path in the node, or between nodes; 0 if none was timed.
Rate fastest_pair(const RawFile& raw, bool in_node) {
  Rate fastest{};
  for (const CommPointRecord& record : raw.comm_points) {
    const bool is_pair = record.point.operation == Operation::send && !record.times.empty();
    if (!is_pair || (record.point.nodes == 1) != in_node) continue;
    const Seconds time = *std::min_element(record.times.begin(), record.times.end());
    fastest = std::max(fastest, record.point.size / time);
  }
  return fastest;
}

/// A curve of dispatch or combine beside compute, from how much slower it got beside each layer:
/// the geometric mean.
void add_beside(const RawFile& raw, Operation operation, FittedCollectives& out) {
  double logarithms = 0;
  int count = 0;
  for (const OverlapRecord& overlap : raw.overlaps) {
    if (overlap.operation != operation || overlap.algorithm != ExchangeAlgorithm::two_hop) continue;
    const double slower = overlap.communication_beside.in(overlap.communication_alone);
    logarithms += std::log(std::max(1.0, slower));
    ++count;
  }
  if (count == 0) return;
  const double slower = std::exp(logarithms / count);
  const std::string id = operation == Operation::dispatch ? "ep_dispatch" : "ep_combine";
  for (const spec::CollectiveCurve& alone : std::vector(out.curves)) {
    if (alone.id != id) continue;
    spec::CollectiveCurve beside = alone;
    beside.beside = spec::Beside::compute;
    beside.rail_efficiency /= slower;
    beside.nvlink_efficiency /= slower;
    for (spec::CollectivePiece& piece : beside.pieces) {
      piece.rail_efficiency /= slower;
      piece.nvlink_efficiency /= slower;
    }
    beside.held_out.reset();
    beside.source += fmt::format("; {:.3g} times slower beside {} {}", slower, count,
                                 count == 1 ? "layer" : "layers");
    out.curves.push_back(std::move(beside));
  }
}

void add_overlaps(const RawFile& raw, const std::string& source, FittedCollectives& out) {
  for (const OverlapRecord& overlap : raw.overlaps) {
    if (overlap.repetition != 1) continue;
    out.interference.push_back(
        {.compute = overlap.compute,
         .communication =
             fmt::format("{} {}", to_string(overlap.operation), to_string(overlap.algorithm)),
         .compute_slowdown = overlap.compute_beside.in(overlap.compute_alone),
         .communication_slowdown = overlap.communication_beside.in(overlap.communication_alone),
         .evidence = spec::Evidence::measured,
         .source = source});
  }
  for (const Operation operation : {Operation::dispatch, Operation::combine}) {
    add_beside(raw, operation, out);
  }
}

}  // namespace

std::optional<FitLinks> links_of(const RawFile& raw) {
  if (!raw.cluster) return std::nullopt;
  FitLinks links;
  const ClusterRecord& cluster = *raw.cluster;
  links.fabric.network_rate = cluster.rail > Rate{} ? cluster.rail : fastest_pair(raw, false);
  links.fabric.nvlink_rate = cluster.nvlink > Rate{} ? cluster.nvlink : fastest_pair(raw, true);
  const auto say = [](const std::string& known) {
    return known.empty() ? std::string("the fastest pair that was timed") : known;
  };
  const auto& fabric = links.fabric;
  if (fabric.network_rate > Rate{}) links.source = "rail: " + say(cluster.rail_source);
  if (fabric.nvlink_rate > Rate{}) {
    links.source += (links.source.empty() ? "" : "; ") + ("NVLink: " + say(cluster.nvlink_source));
  }
  if (links.source.empty()) return std::nullopt;
  // What is not known limits nothing.
  for (Rate* rate : {&links.fabric.network_rate, &links.fabric.nvlink_rate}) {
    if (*rate == Rate{}) *rate = kNoLimit;
  }
  return links;
}

FittedCollectives fit_collectives(const RawFile& raw, const FitLinks& links,
                                  const std::string& source) {
  FittedCollectives out;
  if (!raw.cluster) return out;
  std::vector<Series> all = series_of(raw);
  for (Series& series : pair_series(raw)) all.push_back(std::move(series));
  // [network first][collective] The series that a curve is fitted to.
  std::map<std::pair<bool, std::string>, Series*> best;
  for (Series& series : all) {
    if (!is_fittable(series)) continue;
    const bool is_node = workload::reach_of(series.exchange) == spec::Reach::node;
    Series*& chosen = best[{is_node, workload::collective_id(series.exchange)}];
    if (chosen == nullptr || is_better(series, *chosen)) chosen = &series;
  }
  for (const auto& [key, series] : best) fit_series(*series, links, source, out);
  add_overlaps(raw, source, out);
  for (Series& series : all) out.exchanges.push_back(std::move(series.exchange));
  return out;
}

}  // namespace planewise::calibration
