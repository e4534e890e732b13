#include "calibration/fit/published_collectives.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "base/check.h"
#include "calibration/fit/piecewise.h"

namespace planewise::calibration {
namespace {

constexpr double kGpusOfNode = 8;

bool names(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

/// What all tokens of a rank weigh, once for each of their nodes.
Bytes logical_bytes(const ExchangeRecord& exchange) {
  return exchange.bytes_per_token * (exchange.tokens * exchange.nodes_per_token);
}

Seconds time_of(const ExchangeRecord& exchange) {
  if (exchange.time > Seconds{}) return exchange.time;
  return logical_bytes(exchange) / exchange.logical;
}

Bytes sent(const TransferRecord& transfer) {
  return transfer.size * (static_cast<double>(transfer.ranks - 1) / transfer.ranks);
}

class Mean {
 public:
  void add(double value) {
    logarithms_ += std::log(value);
    ++count_;
  }
  std::optional<double> geometric() const {
    if (count_ == 0) return std::nullopt;
    return std::exp(logarithms_ / count_);
  }

 private:
  double logarithms_ = 0;
  int count_ = 0;
};

struct Efficiencies {
  std::optional<double> rail{};
  std::optional<double> nvlink{};
};

Efficiencies of_exchanges(const CollectiveRecord& record, const RawFile& raw) {
  Mean rail;
  Mean nvlink;
  for (const ExchangeRecord& exchange : raw.exchanges) {
    if (!names(exchange.ids, record.curve.id) || exchange.beside != record.curve.beside) continue;
    if (exchange.bound_by_rails) {
      rail.add(rail_efficiency(exchange, *raw.links));
    } else {
      nvlink.add(nvlink_efficiency(exchange, *raw.links));
    }
  }
  return {.rail = rail.geometric(), .nvlink = nvlink.geometric()};
}

/// Transfers fill in NVLink's efficiency; of several sizes the latency and the pieces too.
void add_transfers(spec::CollectiveCurve& curve, const CollectiveRecord& record,
                   const RawFile& raw) {
  std::vector<TransferRecord> transfers;
  for (const TransferRecord& transfer : raw.transfers) {
    if (names(transfer.ids, curve.id)) transfers.push_back(transfer);
  }
  if (transfers.empty()) return;
  if (transfers.size() == 1) {
    const TransferRecord& only = transfers.front();
    curve.nvlink_efficiency = (sent(only) / only.time).in(raw.links->nvlink);
    return;
  }
  std::vector<spec::CollectivePiece> pieces = pieces_of(transfers, *raw.links);
  for (spec::CollectivePiece& piece : pieces) piece.rail_efficiency = curve.rail_efficiency;
  if (!record.has_latency) curve.latency = pieces.front().latency;
  curve.nvlink_efficiency = pieces.front().nvlink_efficiency;
  curve.pieces.assign(pieces.begin() + 1, pieces.end());
}

}  // namespace

double rail_efficiency(const ExchangeRecord& exchange, const LinksRecord& links) {
  PW_CHECK(exchange.nodes > 1);
  const double away = static_cast<double>(exchange.nodes - 1) / exchange.nodes;
  return (logical_bytes(exchange) * away / time_of(exchange)).in(links.rail);
}

double nvlink_efficiency(const ExchangeRecord& exchange, const LinksRecord& links) {
  const double away = (kGpusOfNode - 1) / kGpusOfNode;
  return (logical_bytes(exchange) * (exchange.copies * away) / time_of(exchange)).in(links.nvlink);
}

std::vector<spec::CollectivePiece> pieces_of(const std::vector<TransferRecord>& transfers,
                                             const LinksRecord& links) {
  PW_CHECK(transfers.size() >= 2);
  std::vector<spec::CollectivePiece> pieces;
  for (std::size_t i = 0; i + 1 < transfers.size(); ++i) {
    const TransferRecord& small = transfers[i];
    const TransferRecord& large = transfers[i + 1];
    const Bytes more = sent(large) - sent(small);
    Seconds longer = large.time - small.time;
    if (longer < more / links.nvlink) longer = more / links.nvlink;
    spec::CollectivePiece piece{.from = sent(small)};
    piece.nvlink_efficiency = (more / longer).in(links.nvlink);
    const Seconds moving = sent(large) / (links.nvlink * piece.nvlink_efficiency);
    piece.latency = std::max(Seconds{}, large.time - moving - links.nvlink_latency);
    pieces.push_back(piece);
  }
  return pieces;
}

std::optional<LowLatencyFit> low_latency_fit(const std::string& id, const RawFile& raw) {
  std::vector<SizePoint> points;
  for (const LowLatencyRecord& row : raw.low_latencies) {
    if (!names(row.ids, id)) continue;
    const double away = 1 - static_cast<double>(row.ranks_per_node) / row.ranks;
    points.push_back({.size = row.bytes_per_message * (row.tokens * row.experts_per_token * away),
                      .time = row.time});
  }
  if (points.size() < 2) return std::nullopt;
  std::sort(points.begin(), points.end(),
            [](const SizePoint& a, const SizePoint& b) { return a.size < b.size; });
  const AlphaBeta line = fit_piecewise(points, {.pieces_most = 1}).front();
  LowLatencyFit fit{.latency = line.overhead,
                    .rail_efficiency = line.rate.in(raw.links->rail),
                    .unclamped = line.rate};
  if (fit.rail_efficiency <= 1) return fit;
  // The latency alone: the mean of what is left, by relative errors.
  double sum = 0;
  double weights = 0;
  for (const SizePoint& point : points) {
    const double weight = 1 / (point.time.in(seconds(1)) * point.time.in(seconds(1)));
    sum += weight * (point.time - point.size / raw.links->rail).in(seconds(1));
    weights += weight;
  }
  fit.latency = seconds(std::max(0.0, sum / weights));
  fit.rail_efficiency = 1;
  return fit;
}

spec::CollectiveCurve collective_curve(const CollectiveRecord& record, const RawFile& raw,
                                       const std::vector<spec::CollectiveCurve>& collectives) {
  spec::CollectiveCurve curve = record.curve;
  const Efficiencies found = of_exchanges(record, raw);
  if (!record.has_rail && found.rail) curve.rail_efficiency = std::min(1.0, *found.rail);
  if (!record.has_nvlink && found.nvlink) curve.nvlink_efficiency = std::min(1.0, *found.nvlink);
  if (!record.has_nvlink && !found.nvlink && curve.beside == spec::Beside::compute) {
    for (const spec::CollectiveCurve& alone : collectives) {
      if (alone.id != curve.id || alone.beside != spec::Beside::alone) continue;
      curve.nvlink_efficiency =
          curve.rail_efficiency * alone.nvlink_efficiency / alone.rail_efficiency;
    }
  }
  if (!record.has_nvlink) add_transfers(curve, record, raw);
  if (const auto fit = low_latency_fit(curve.id, raw)) {
    if (!record.has_latency) curve.latency = fit->latency;
    if (!record.has_rail) curve.rail_efficiency = fit->rail_efficiency;
  }
  return curve;
}

}  // namespace planewise::calibration
