#include "calibration/fit/published.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "calibration/fit/published_collectives.h"
#include "calibration/fit/published_totals.h"

namespace planewise::calibration {
namespace {

/// The rates of `estimate.as`, scaled. Its points are of its own kernels and are not taken.
void take_rates(spec::OperatorCurve& curve, const CurveRecord& estimate,
                spec::ProfileSpec& profile) {
  const spec::OperatorCurve* other = whole_gpu_curve(profile, estimate.as);
  if (other == nullptr) {
    // What is known of it beside communication alone.
    for (const spec::OperatorCurve& any : profile.operators) {
      if (any.id == estimate.as) other = &any;
    }
  }
  PW_CHECK(other != nullptr);
  curve.form = other->form;
  curve.kernels = other->kernels;
  curve.flop_rate = other->flop_rate;
  curve.memory_rate = other->memory_rate;
  curve.overhead = other->overhead;
  curve.tile = other->tile;
  curve.sequences = other->sequences;
}

void scale_rates(spec::OperatorCurve& curve, const Scale& scale) {
  if (curve.form == spec::OperatorForm::byte_rate) {
    curve.memory_rate = curve.memory_rate * scale.value();
    return;
  }
  curve.flop_rate = curve.flop_rate * scale.value();
  for (spec::SequencePoint& point : curve.sequences) point.rate = point.rate * scale.value();
}

/// The curve of the same id in the same place, or null.
spec::OperatorCurve* same_curve(spec::ProfileSpec& profile, const spec::OperatorCurve& curve) {
  for (spec::OperatorCurve& other : profile.operators) {
    if (other.id == curve.id && other.sms == curve.sms && other.beside == curve.beside) {
      return &other;
    }
  }
  return nullptr;
}

void add_curve(const CurveRecord& estimate, spec::ProfileSpec& profile) {
  spec::OperatorCurve curve = estimate.curve;
  if (!estimate.as.empty()) take_rates(curve, estimate, profile);
  if (estimate.memory_share > 0) {
    curve.memory_rate = profile.gpu.memory_rate * estimate.memory_share;
  }
  scale_rates(curve, estimate.scale);
  curve.model_evidence = curve.evidence;
  spec::OperatorCurve* pointed = same_curve(profile, curve);
  if (pointed == nullptr) {
    profile.operators.push_back(curve);
    return;
  }
  pointed->flop_rate = curve.flop_rate;
  pointed->memory_rate = curve.memory_rate;
  pointed->overhead = curve.overhead;
  pointed->tile = curve.tile;
  pointed->model_evidence = curve.evidence;
  pointed->held_out.reset();
}

void add_totals(const CurveTotals& totals, spec::ProfileSpec& profile) {
  const TotalRecord& first = totals.front();
  const spec::OperatorCurve* alone = whole_gpu_curve(profile, first.id);
  // Products of which no rows are printed have a rate of FLOPs.
  if (first.calls.front().shape.m == 0 || alone == nullptr) {
    profile.operators.push_back(rate_of_totals(totals));
    return;
  }
  profile.operators.push_back(slowed_curve(totals, *alone));
}

/// What is left of the rates of `id` in a step: (SMs of the GPU over those of the totals) over the
/// slowdown.
double share_of_totals(const std::string& id, const std::vector<CurveTotals>& curves,
                       spec::ProfileSpec& profile) {
  const auto totals = std::find_if(curves.begin(), curves.end(), [&](const CurveTotals& curve) {
    return curve.front().id == id && curve.front().beside == spec::Beside::communication;
  });
  const spec::OperatorCurve* alone = whole_gpu_curve(profile, id);
  PW_CHECK(totals != curves.end() && alone != nullptr);
  const double expected = static_cast<double>(profile.gpu.sms) / totals->front().sms;
  return std::min(1.0, expected / slowdown(*totals, *alone));
}

void add_in_step(const InStepRecord& record, double share, spec::ProfileSpec& profile) {
  for (const std::string& id : record.ids) {
    for (spec::OperatorCurve& curve : profile.operators) {
      if (curve.id != id || curve.beside != spec::Beside::alone) continue;
      curve.in_step = share;
      curve.in_step_evidence = record.evidence;
      curve.in_step_source = record.source;
    }
  }
}

}  // namespace

spec::OperatorCurve* whole_gpu_curve(spec::ProfileSpec& profile, const std::string& id) {
  for (spec::OperatorCurve& curve : profile.operators) {
    if (curve.id == id && curve.beside == spec::Beside::alone && curve.sms == profile.gpu.sms) {
      return &curve;
    }
  }
  return nullptr;
}

std::string published_heading(const RawFile& raw) {
  const std::string name = raw.path.substr(raw.path.rfind('/') + 1);
  return "Written by planewise-calibrate fit " + name + "\nsha256 " + raw.sha256 +
         "\nChange that file, not this one; docs/profiles.md says how.";
}

void add_published(const RawFile& raw, spec::ProfileSpec& profile) {
  const std::vector<CurveTotals> totals = by_curve(raw.totals);
  for (const CurveTotals& curve : totals) add_totals(curve, profile);
  for (const CurveRecord& estimate : raw.curves) add_curve(estimate, profile);
  for (const InStepRecord& record : raw.in_steps) {
    const double share =
        record.share > 0 ? record.share : share_of_totals(record.from, totals, profile);
    add_in_step(record, share, profile);
  }
  for (const CollectiveRecord& record : raw.collectives) {
    profile.collectives.push_back(collective_curve(record, raw, profile.collectives));
  }
}

}  // namespace planewise::calibration
