#include "calibration/report/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace planewise::calibration {
namespace {

/// `H200` of `NVIDIA H200` and of `H200-SXM-141GB`: the first word of letters and then two digits
/// or more. The whole name if there is none.
std::string chip_of(const std::string& name) {
  const auto is = [&](std::size_t i, int (*kind)(int)) {
    return i < name.size() && kind(static_cast<unsigned char>(name[i])) != 0;
  };
  for (std::size_t begin = 0; begin < name.size(); ++begin) {
    if (begin > 0 && is(begin - 1, std::isalnum)) continue;
    std::size_t digits = begin;
    while (is(digits, std::isalpha)) ++digits;
    if (digits == begin || !is(digits, std::isdigit) || !is(digits + 1, std::isdigit)) continue;
    std::size_t end = digits;
    while (is(end, std::isalnum)) ++end;
    return name.substr(begin, end - begin);
  }
  return name;
}

bool is_same_gpu(const spec::GpuSpec& a, const spec::GpuSpec& b) {
  return chip_of(a.name) == chip_of(b.name) && (a.sms == 0 || b.sms == 0 || a.sms == b.sms);
}

std::string beside_text(spec::Beside beside) {
  switch (beside) {
    case spec::Beside::alone:
      return "";
    case spec::Beside::communication:
      return ", beside communication";
    case spec::Beside::compute:
      return ", beside compute";
  }
  return "";
}

std::string reach_text(spec::Reach reach) {
  switch (reach) {
    case spec::Reach::any:
      return "";
    case spec::Reach::node:
      return " in a node";
    case spec::Reach::network:
      return " over nodes";
  }
  return "";
}

void note_source(std::string& source, const spec::ProfileSpec& from) {
  source += fmt::format("{}(from {})", source.empty() ? "" : " ", from.name);
}

bool has_operator(const spec::ProfileSpec& profile, const spec::OperatorCurve& wanted) {
  return std::any_of(
      profile.operators.begin(), profile.operators.end(), [&](const spec::OperatorCurve& curve) {
        return curve.id == wanted.id && curve.sms == wanted.sms && curve.beside == wanted.beside;
      });
}

bool has_collective(const spec::ProfileSpec& profile, const spec::CollectiveCurve& wanted) {
  return std::any_of(profile.collectives.begin(), profile.collectives.end(),
                     [&](const spec::CollectiveCurve& curve) {
                       return curve.id == wanted.id && curve.beside == wanted.beside &&
                              (curve.reach == wanted.reach || curve.reach == spec::Reach::any);
                     });
}

void take_from(const spec::ProfileSpec& other, Merged& merged) {
  spec::ProfileSpec& profile = merged.profile;
  for (spec::OperatorCurve curve : other.operators) {
    if (has_operator(profile, curve)) continue;
    note_source(curve.source, other);
    merged.taken.push_back({.what = operator_name(curve), .from = other.name});
    profile.operators.push_back(std::move(curve));
  }
  for (spec::CollectiveCurve curve : other.collectives) {
    if (has_collective(profile, curve)) continue;
    note_source(curve.source, other);
    merged.taken.push_back({.what = curve.id + reach_text(curve.reach) + beside_text(curve.beside),
                            .from = other.name});
    profile.collectives.push_back(std::move(curve));
  }
  // What was measured together stays together.
  if (profile.exchanges.empty() && profile.interference.empty()) {
    if (!profile.links) profile.links = other.links;
    profile.exchanges = other.exchanges;
    profile.interference = other.interference;
  }
  for (const spec::SumCheck& sum : other.sums) {
    const bool is_there = std::any_of(profile.sums.begin(), profile.sums.end(),
                                      [&](const spec::SumCheck& s) { return s.id == sum.id; });
    if (!is_there) profile.sums.push_back(sum);
  }
}

void drop_measured(spec::ProfileSpec& profile) {
  std::erase_if(profile.not_measured, [&](const spec::NotMeasuredEntry& entry) {
    return spec::find_operator(profile, entry.id) != nullptr ||
           spec::find_collective(profile, entry.id) != nullptr;
  });
}

}  // namespace

std::string operator_name(const spec::OperatorCurve& curve) {
  return fmt::format("{}{}{}", curve.id, curve.sms > 0 ? fmt::format(", {} SMs", curve.sms) : "",
                     beside_text(curve.beside));
}

Merged merge_profiles(const spec::ProfileSpec& first,
                      const std::vector<spec::ProfileSpec>& others) {
  spec::Diagnostics diagnostics;
  for (const spec::ProfileSpec& other : others) {
    if (is_same_gpu(first.gpu, other.gpu)) continue;
    diagnostics.add(other.origin.diagnose(
        "gpu.name",
        fmt::format("'{}' with {} SMs is another GPU than '{}' with {} SMs of {}", other.gpu.name,
                    other.gpu.sms, first.gpu.name, first.gpu.sms, first.origin.path),
        "merge profiles of one GPU"));
  }
  diagnostics.throw_if_any();
  Merged merged{.profile = first};
  for (const spec::ProfileSpec& other : others) take_from(other, merged);
  drop_measured(merged.profile);
  return merged;
}

}  // namespace planewise::calibration
