#include "simulate/link_loads.h"

#include <algorithm>
#include <map>

#include "base/check.h"

namespace planewise::simulate {

void LinkLoads::run_began(const System& system) {
  system_ = &system;
  bytes_.assign(system.links.size() * kBins, Bytes{});
}

/// Two bins become one.
void LinkLoads::widen() {
  width_ = 2 * width_;
  for (std::size_t row = 0; row < bytes_.size(); row += kBins) {
    for (std::size_t bin = 0; bin < kBins / 2; ++bin) {
      bytes_[row + bin] = bytes_[row + 2 * bin] + bytes_[row + 2 * bin + 1];
    }
    std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(row + kBins / 2), kBins / 2, Bytes{});
  }
}

void LinkLoads::carried(const Carried& part) {
  if (part.path.empty() || part.size == Bytes{}) return;
  while (part.ended >= width_ * static_cast<double>(kBins)) widen();
  const auto bin_of = [&](Seconds time) { return static_cast<std::size_t>(time.in(width_)); };
  const Seconds began = std::min(part.started, part.ended);
  const Seconds life = part.ended - began;
  const std::size_t first = bin_of(began);
  const std::size_t last = bin_of(part.ended);
  Bytes left = part.size * part.weight;  // The last bin takes what rounding leaves.
  for (std::size_t bin = first; bin < last; ++bin) {
    const Seconds from = std::max(began, width_ * static_cast<double>(bin));
    const Seconds until = width_ * static_cast<double>(bin + 1);
    const Bytes share = std::min(left, part.size * part.weight * (until - from).in(life));
    left -= share;
    for (const std::int32_t link : part.path) {
      bytes_[static_cast<std::size_t>(link) * kBins + bin] += share;
    }
  }
  for (const std::int32_t link : part.path) {
    bytes_[static_cast<std::size_t>(link) * kBins + last] += left;
  }
}

void LinkLoads::run_ended(Seconds step_time) {
  step_time_ = step_time;
  while (step_time > width_ * static_cast<double>(kBins)) widen();
}

std::size_t LinkLoads::bin_count() const {
  const auto last = static_cast<std::size_t>(step_time_.in(width_));
  return std::min(last + 1, kBins);
}

double LinkLoads::load(std::size_t link, std::size_t bin) const {
  PW_CHECK(bin < bin_count());
  const Seconds began = width_ * static_cast<double>(bin);
  const Seconds width = std::min(width_, step_time_ - began);
  const Bytes possible = system_->links[link].capacity * width;
  return possible > Bytes{} ? bytes(link, bin).in(possible) : 0;
}

LoadsOverTime LinkLoads::by_kind() const {
  LoadsOverTime loads{.bin_width = width_};
  std::map<fabric::LinkKind, KindLoad> kinds;
  for (std::size_t link = 0; link < system_->links.size(); ++link) {
    const SystemLink& definition = system_->links[link];
    KindLoad& kind = kinds[definition.kind];
    kind.kind = definition.kind;
    kind.links += definition.count;
    kind.mean.resize(bin_count());
    kind.maximum.resize(bin_count());
    for (std::size_t bin = 0; bin < bin_count(); ++bin) {
      const double value = load(link, bin);
      kind.mean[bin] += value * static_cast<double>(definition.count);
      kind.mean_load += bytes(link, bin).in(definition.capacity * step_time_) *
                        static_cast<double>(definition.count);
      kind.maximum[bin] = std::max(kind.maximum[bin], value);
    }
  }
  for (auto& [name, kind] : kinds) {
    kind.mean_load /= static_cast<double>(kind.links);
    for (double& mean : kind.mean) mean /= static_cast<double>(kind.links);
    loads.kinds.push_back(std::move(kind));
  }
  return loads;
}

}  // namespace planewise::simulate
