#include "calibration/report/profile_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "calibration/fit/plausible.h"
#include "calibration/measure/statistics.h"
#include "calibration/raw/words.h"
#include "calibration/report/comparison.h"
#include "print/table.h"

namespace planewise::calibration {
namespace {

std::string rate_text(double rate, const char* unit) {
  return fmt::format("{} {}", fixed(rate, rate < 10 ? 3 : rate < 100 ? 1 : 0), unit);
}

/// The model's rate, or the range of the measured ones.
std::string rates_text(const spec::OperatorCurve& curve) {
  if (curve.form == spec::OperatorForm::byte_rate) {
    return rate_text(curve.memory_rate.in(gigabytes_per_second(1)), "GB/s");
  }
  std::vector<double> rates;
  for (const spec::GemmPoint& point : curve.points) rates.push_back(point.rate.in(teraflops(1)));
  for (const spec::SequencePoint& point : curve.sequences) {
    rates.push_back(point.rate.in(teraflops(1)));
  }
  if (rates.size() < 2) {
    return rate_text(rates.empty() ? curve.flop_rate.in(teraflops(1)) : rates.front(), "TFLOPS");
  }
  const auto [least, most] = std::minmax_element(rates.begin(), rates.end());
  return fmt::format("{} - {}", fixed(*least, *least < 10 ? 3 : 0), rate_text(*most, "TFLOPS"));
}

std::vector<Value> row_of(const spec::OperatorCurve& curve) {
  const std::size_t points = curve.points.size() + curve.sequences.size();
  return {text_value(curve.id),
          text_value(form_name(curve.form)),
          count_value(curve.sms),
          text_value(beside_name(curve.beside)),
          text_value(std::string(spec::evidence_name(curve.evidence))),
          text_value(curve.implementation.empty() ? "-" : curve.implementation),
          count_value(static_cast<std::int64_t>(points)),
          text_value(rates_text(curve)),
          curve.held_out ? share_value(curve.held_out->p90) : text_value("-")};
}

Sheet operators_sheet(const spec::ProfileSpec& profile) {
  Sheet sheet{.title = "Operators",
              .key = "operators",
              .columns = {{"operator", "operator"},
                          {"form", "form"},
                          {"SMs", "sms"},
                          {"beside", "beside"},
                          {"evidence", "evidence"},
                          {"implementation", "implementation"},
                          {"points", "points"},
                          {"rates", "rates"},
                          {"held out p90", "held_out_p90"}}};
  for (const spec::OperatorCurve& curve : profile.operators) sheet.rows.push_back(row_of(curve));
  return sheet;
}

Sheet collectives_sheet(const spec::ProfileSpec& profile) {
  Sheet sheet{.title = "Collectives",
              .key = "collectives",
              .columns = {{"collective", "collective"},
                          {"latency (us)", "latency_us"},
                          {"rail", "rail_efficiency"},
                          {"NVLink", "nvlink_efficiency"},
                          {"evidence", "evidence"},
                          {"held out p90", "held_out_p90"}}};
  for (const spec::CollectiveCurve& curve : profile.collectives) {
    sheet.rows.push_back({text_value(collective_name(curve)),
                          number_value(curve.latency.in(microseconds(1)), 1),
                          share_value(curve.rail_efficiency), share_value(curve.nvlink_efficiency),
                          text_value(std::string(spec::evidence_name(curve.evidence))),
                          curve.held_out ? share_value(curve.held_out->p90) : text_value("-")});
  }
  return sheet;
}

Sheet interference_sheet(const spec::ProfileSpec& profile) {
  Sheet sheet{.title = "Interference: times beside each other over times alone",
              .key = "interference",
              .columns = {{"compute", "compute"},
                          {"communication", "communication"},
                          {"compute", "compute_slowdown"},
                          {"communication", "communication_slowdown"}}};
  for (const spec::Interference& entry : profile.interference) {
    sheet.rows.push_back({text_value(entry.compute), text_value(entry.communication),
                          number_value(entry.compute_slowdown, 2),
                          number_value(entry.communication_slowdown, 2)});
  }
  return sheet;
}

void add_provenance(const spec::Provenance& provenance, Account& account) {
  std::vector<std::string> libraries;
  for (const auto& [name, version] : provenance.libraries)
    libraries.push_back(name + " " + version);
  const auto add = [&](const char* title, const char* key, const std::string& text) {
    if (!text.empty()) account.facts.push_back({title, key, text_value(text)});
  };
  add("measured", "measured", provenance.measured);
  add("by", "tool", provenance.tool);
  add("backend", "backend", provenance.backend);
  add("driver", "driver", provenance.driver);
  add("libraries", "libraries", fmt::format("{}", fmt::join(libraries, ", ")));
  account.facts.push_back({"raw points", "raw_points", count_value(provenance.points)});
  account.facts.push_back({"samples", "samples", count_value(provenance.samples)});
  if (provenance.clock_mhz_max > 0) {
    add("SM clocks", "clocks",
        fmt::format("{} to {} MHz", provenance.clock_mhz_min, provenance.clock_mhz_max));
  }
}

/// Rates over rates at shapes that both have; if there are none, of the models.
std::vector<double> ratios(const spec::OperatorCurve& ours, const spec::OperatorCurve& theirs) {
  std::vector<double> found;
  for (const spec::GemmPoint& point : ours.points) {
    const auto same = std::find_if(theirs.points.begin(), theirs.points.end(),
                                   [&](const auto& other) { return other.shape == point.shape; });
    if (same != theirs.points.end()) found.push_back(point.rate.in(same->rate));
  }
  for (const spec::SequencePoint& point : ours.sequences) {
    const auto same =
        std::find_if(theirs.sequences.begin(), theirs.sequences.end(),
                     [&](const auto& other) { return other.sequence == point.sequence; });
    if (same != theirs.sequences.end()) found.push_back(point.rate.in(same->rate));
  }
  if (!found.empty()) return found;
  if (ours.form == spec::OperatorForm::byte_rate) return {ours.memory_rate.in(theirs.memory_rate)};
  if (ours.flop_rate > FlopRate{} && theirs.flop_rate > FlopRate{}) {
    return {ours.flop_rate.in(theirs.flop_rate)};
  }
  return {};
}

}  // namespace

Account fit_account(const FitResult& result, double error_most) {
  Account account{.title =
                      fmt::format("Profile {}: {}", result.profile.name, result.profile.gpu.name)};
  account.facts = {
      {"curves", "curves", count_value(std::ssize(result.curves))},
      {"error at points held out, p90", "held_out_p90", share_value(result.held_out_p90)},
      {"limit", "held_out_limit", share_value(error_most)}};
  Sheet sheet{.title = "Curves, and what they miss at points held out",
              .key = "curves_fitted",
              .columns = {{"operator", "operator"},
                          {"SMs", "sms"},
                          {"beside", "beside"},
                          {"points", "points"},
                          {"held out", "held_out"},
                          {"median", "held_out_median"},
                          {"p90", "held_out_p90"},
                          {"most", "held_out_most"},
                          {"unstable", "unstable"},
                          {"throttled", "throttled"}}};
  for (const CurveFit& curve : result.curves) {
    const auto error = [&](double share) {
      return curve.held_out == 0 ? text_value("-") : share_value(share);
    };
    sheet.rows.push_back({text_value(curve.id), count_value(curve.sms),
                          text_value(beside_name(curve.beside)), count_value(curve.points),
                          count_value(curve.held_out), error(curve.held_out_median),
                          error(curve.held_out_p90), error(curve.held_out_max),
                          count_value(curve.unstable), count_value(curve.throttled)});
  }
  account.sheets.push_back(std::move(sheet));
  for (const std::string& warning : result.warnings) account.notes.push_back("warning: " + warning);
  return account;
}

ProfileFindings find_problems(const spec::ProfileSpec& profile, double error_most) {
  ProfileFindings findings;
  const auto add = [&](std::string line) { findings.lines.push_back(std::move(line)); };
  for (const spec::OperatorCurve& curve : profile.operators) {
    const std::string name = operator_name(curve);
    if (!curve.proxy.empty()) {
      add(fmt::format("{}: {} was timed in its stead", name, curve.proxy));
    }
    if (curve.held_out && curve.held_out->p90 > error_most) {
      findings.is_beyond_limit = true;
      add(fmt::format("{}: misses points held out by {} (p90)", name,
                      percent(curve.held_out->p90)));
    }
    if (curve.check && !(curve.check->value <= curve.check->limit)) {
      findings.has_wrong_result = true;
      add(fmt::format("{}: results are WRONG, {} {:.3g} over the limit {:.3g}", name,
                      curve.check->metric, curve.check->value, curve.check->limit));
    }
  }
  for (const spec::SumCheck& sum : profile.sums) {
    const double difference = sum.operators.in(sum.whole) - 1;
    if (std::abs(difference) <= sum.limit) continue;
    findings.is_beyond_limit = true;
    add(fmt::format("{}: its operators take {} of the time of the whole, beyond {}", sum.id,
                    percent(1 + difference), percent(sum.limit)));
  }
  for (std::string& line : implausible_rates(profile)) add(std::move(line));
  if (profile.provenance && !profile.provenance->throttle.empty()) {
    add(fmt::format("throttled while it was measured: {}",
                    fmt::join(profile.provenance->throttle, ", ")));
  }
  return findings;
}

Account profile_account(const spec::ProfileSpec& profile, const ProfileFindings& findings) {
  Account account{.title = fmt::format("Profile {}: {}", profile.name, profile.gpu.name)};
  account.facts = {{"source", "source", text_value(profile.source)},
                   {"SMs", "sms", count_value(profile.gpu.sms)}};
  const auto estimates = std::count_if(
      profile.operators.begin(), profile.operators.end(),
      [](const spec::OperatorCurve& curve) { return spec::is_estimate(curve.evidence); });
  account.facts.push_back(
      {"operators", "operator_count", count_value(std::ssize(profile.operators))});
  account.facts.push_back({"of them estimates", "estimates", count_value(estimates)});
  if (profile.provenance) add_provenance(*profile.provenance, account);
  account.sheets = {operators_sheet(profile), collectives_sheet(profile)};
  if (profile.collectives.empty()) account.sheets.pop_back();
  if (!profile.interference.empty()) account.sheets.push_back(interference_sheet(profile));
  if (!profile.not_measured.empty()) {
    Sheet sheet{.title = "Not measured",
                .key = "not_measured",
                .columns = {{"operator", "operator"}, {"why", "reason"}}};
    for (const spec::NotMeasuredEntry& entry : profile.not_measured) {
      sheet.rows.push_back({text_value(entry.id), text_value(entry.reason)});
    }
    account.sheets.push_back(std::move(sheet));
  }
  account.notes = findings.lines;
  if (account.notes.empty()) account.notes.emplace_back("nothing to beware of was found");
  return account;
}

Sheet comparison_sheet(const spec::ProfileSpec& profile, const spec::ProfileSpec& other) {
  Sheet sheet{.title = fmt::format("Rates over those of {}", other.name),
              .key = "against",
              .columns = {{"operator", "operator"},
                          {"compared", "compared"},
                          {"least", "least"},
                          {"median", "median"},
                          {"most", "most"}}};
  for (const spec::OperatorCurve& curve : profile.operators) {
    const spec::OperatorCurve* theirs =
        spec::find_operator(other, curve.id, {.sms = curve.sms, .beside = curve.beside});
    if (theirs == nullptr || theirs->form != curve.form) continue;
    const std::vector<double> found = ratios(curve, *theirs);
    if (found.empty()) continue;
    const auto [least, most] = std::minmax_element(found.begin(), found.end());
    sheet.rows.push_back({text_value(operator_name(curve)), count_value(std::ssize(found)),
                          number_value(*least, 3), number_value(median(found), 3),
                          number_value(*most, 3)});
  }
  for (std::vector<Value>& row : collective_rows(profile, other)) {
    sheet.rows.push_back(std::move(row));
  }
  return sheet;
}

Account merge_account(const Merged& merged) {
  Account account{.title =
                      fmt::format("Profile {}: {}", merged.profile.name, merged.profile.gpu.name)};
  account.facts = {
      {"operators", "operators", count_value(std::ssize(merged.profile.operators))},
      {"collectives", "collectives", count_value(std::ssize(merged.profile.collectives))},
      {"taken from others", "taken_count", count_value(std::ssize(merged.taken))}};
  Sheet sheet{.title = "Taken from others",
              .key = "taken",
              .columns = {{"what", "what"}, {"from", "from"}}};
  for (const Merged::Taken& taken : merged.taken) {
    sheet.rows.push_back({text_value(taken.what), text_value(taken.from)});
  }
  account.sheets.push_back(std::move(sheet));
  return account;
}

}  // namespace planewise::calibration
