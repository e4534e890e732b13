// Raw files: what is written is read again, and every mistake is found at its place.
#include "calibration/raw/raw_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/random.h"
#include "calibration/raw_samples.h"
#include "engine/seeds.h"
#include "spec/temporary_folder.h"
#include "spec/text_file.h"

namespace planewise::calibration {
namespace {

using samples::machine;
using samples::point;
using samples::product;

const spec::Precision kFp8 = spec::Precision::fp8_blockwise;

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Replaces the first `what` of `text`, which must be there.
std::string with(std::string text, const std::string& what, const std::string& by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

struct Result {
  RawFile file{};
  std::string mistakes{};  ///< `3:17: key: message (hint)`, one a line.
};

Result read(const std::string& text) {
  const test::TemporaryFolder folder;
  spec::Diagnostics diagnostics;
  Result result{.file = read_raw(folder.write("raw.jsonl", text), diagnostics)};
  for (const spec::Diagnostic& d : diagnostics.list()) {
    result.mistakes += std::to_string(d.at.line) + ": " + (d.key.empty() ? "" : d.key + ": ") +
                       d.message + (d.hint.empty() ? "" : " (" + d.hint + ")") + "\n";
  }
  return result;
}

std::string mistakes(const std::string& text) { return read(text).mistakes; }

const std::string kMachine = to_line(machine());
const std::string kPoint = to_line(point(product(4096), 1, {180.5, 181.25, 179}));

TEST(RawFile, ReadsWhatItWrote) {
  Measurement full{.id = "grouped_gemm.fp8",
                   .kernel = Kernel::product,
                   .precision = kFp8,
                   .shape = {.groups = 4, .m = 8192, .n = 4096, .k = 7168},
                   .spread = RowSpread::zipf,
                   .layout = RowLayout::masked,
                   .sms = 112,
                   .beside = spec::Beside::communication,
                   .regime = Regime::cool,
                   .work = flop(1.9e12),
                   .traffic = bytes(5e8)};
  PointRecord first = point(full, 3, {1500.25, 1499.5});
  first.proxy = "bf16 for \"fp8\"\\";
  first.kernels = 4;
  first.throttle = {"sw_power_cap"};
  PointRecord failed =
      point({.id = "router", .kernel = Kernel::router, .rows = 4096, .width = 256}, 1, {});
  failed.checks = {{.metric = "mismatches", .value = NAN, .limit = 0}};
  failed.check_failed = true;
  const Measurement layer{.id = "layer.forward",
                          .kernel = Kernel::moe_layer_forward,
                          .rows = 4096,
                          .width = 7168,
                          .parts = {first.key, failed.key}};
  const NotMeasuredRecord missing{
      .id = "attention_forward", .environment = machine().fingerprint, .reason = "no cuDNN"};
  const Result result = read(kMachine + to_line(first) + to_line(failed) +
                             to_line(point(layer, 1, {2000})) + to_line(missing));
  ASSERT_EQ(result.mistakes, "");
  const RawFile& file = result.file;
  ASSERT_EQ(file.environments.size(), 1U);
  // The fingerprint is over all fields but tool: equal ones mean equal fields.
  EXPECT_EQ(fingerprint(file.environments[0].environment), machine().fingerprint);
  EXPECT_EQ(file.environments[0].fingerprint, machine().fingerprint);
  EXPECT_EQ(file.environments[0].environment.tool, "planewise-calibrate 1");
  EXPECT_EQ(file.environments[0].created, "2026-11-25T05:11:20Z");
  EXPECT_EQ(file.environments[0].sizes, LayerSizes{});
  ASSERT_EQ(file.points.size(), 3U);
  const PointRecord& p = file.points[0];
  EXPECT_EQ(p.key, key_of(full));
  EXPECT_EQ(p.measurement.work, full.work);
  EXPECT_EQ(p.measurement.traffic, full.traffic);
  EXPECT_EQ(p.proxy, first.proxy);
  EXPECT_EQ(p.kernels, 4);
  EXPECT_EQ(p.throttle, first.throttle);
  ASSERT_EQ(p.times.size(), 2U);
  EXPECT_NEAR(p.times[0].in(microseconds(1500.25)), 1, 1e-8);  // nine digits are written
  EXPECT_EQ(p.clock_mhz_min, 1700);
  EXPECT_EQ(p.power_w, 650.5);
  EXPECT_TRUE(file.points[1].check_failed);
  EXPECT_TRUE(std::isnan(file.points[1].checks.at(0).value));
  EXPECT_EQ(file.points[2].measurement.parts, layer.parts);
  ASSERT_EQ(file.not_measured.size(), 1U);
  EXPECT_EQ(file.not_measured[0].reason, "no cuDNN");
  EXPECT_FALSE(file.last_line_is_cut);
}

TEST(RawFile, HashIsOfAllBytes) {
  EXPECT_EQ(read(kMachine).file.sha256, sha256(kMachine));
  const std::string cut = kMachine + R"({"record":"po)";
  EXPECT_EQ(read(cut).file.sha256, sha256(cut));
}

TEST(RawFile, TakesAFileThatWasCutAtItsEnd) {
  // At every byte of the last line: never a mistake, never half a point.
  for (std::size_t size = 1; size < kPoint.size(); size += 7) {
    const Result result = read(kMachine + kPoint.substr(0, size));
    EXPECT_EQ(result.mistakes, "") << size;
    EXPECT_TRUE(result.file.last_line_is_cut) << size;
    EXPECT_TRUE(result.file.points.empty()) << size;
  }
  // Whole but for the line feed.
  const Result whole = read(kMachine + kPoint.substr(0, kPoint.size() - 1));
  EXPECT_EQ(whole.mistakes, "");
  EXPECT_FALSE(whole.file.last_line_is_cut);
  EXPECT_EQ(whole.file.points.size(), 1U);
  // In its first line, and in the middle of a character.
  EXPECT_TRUE(read(kMachine.substr(0, 40)).file.last_line_is_cut);
  EXPECT_EQ(read(kMachine + "{\"record\":\"\xC3").mistakes, "");
}

TEST(RawFile, RefusesALineCutInTheMiddle) {
  const std::string found = mistakes(kMachine + kPoint.substr(0, 60) + "\n" + kPoint);
  EXPECT_EQ(found.substr(0, 16), "2: is not JSON: ") << found;
}

TEST(RawFile, RefusesTimesThatAreNone) {
  const auto times = [](const std::string& list) {
    return mistakes(kMachine + with(kPoint, "[180.5,181.25,179]", list));
  };
  const std::string hint =
      " (JSON has neither NaN nor infinity; remove the record and measure again)\n";
  EXPECT_EQ(times("[180.5,NaN,179]"), "2: NaN is not a number" + hint);
  EXPECT_EQ(times("[180.5,null,179]"), "2: times_us[1]: null is not a number" + hint);
  EXPECT_EQ(times(R"([180.5,"nan",179])"), "2: times_us[1]: 'nan' is not a number" + hint);
  EXPECT_EQ(times("[180.5,-181,179]"), "2: times_us[1]: -181 must be more than 0\n");
  EXPECT_EQ(times("[180.5,181,0]"), "2: times_us[2]: 0 must be more than 0\n");
  EXPECT_EQ(times("[]"), "2: times_us: is an empty list (write [1, 2, 3])\n");
}

TEST(RawFile, RefusesAKeyTwice) {
  EXPECT_EQ(
      mistakes(kMachine + with(kPoint, R"("repetition":1)", R"("repetition":1,"repetition":2)")),
      "2: key 'repetition' twice in one map (keep one of the two)\n");
}

TEST(RawFile, RefusesAnotherSchema) {
  // Nothing more of the file is judged.
  EXPECT_EQ(mistakes(with(kMachine, R"("schema":1)", R"("schema":2,"new":1)") + kPoint),
            "1: schema: schema 2 is not one that this version reads (take the newer "
            "planewise-calibrate that wrote it)\n");
  EXPECT_EQ(mistakes(with(kMachine, R"("schema":1,)", "")), "1: schema: missing key\n");
}

TEST(RawFile, RefusesARoundTwice) {
  EXPECT_EQ(mistakes(kMachine + kPoint + kPoint),
            "3: repetition: round 1 of this measurement is on line 2 already (keep one of the "
            "two)\n");
}

TEST(RawFile, RefusesTwoMachinesInOneFile) {
  const std::string found = mistakes(to_line(machine("570.86")) + to_line(machine("580.65")));
  EXPECT_EQ(found,
            "2: fingerprint: measured on two machines or with two drivers; since line 1 driver: "
            "was '570.86', is '580.65' (make two files of it, each with its environment, and fit "
            "them one by one)\n");
  EnvironmentRecord newer = machine();
  newer.environment.tool = "planewise-calibrate 2";
  EXPECT_EQ(mistakes(kMachine + to_line(newer) + kPoint), "");
}

TEST(RawFile, RefusesPointsOfAnotherEnvironment) {
  EXPECT_EQ(mistakes(to_line(machine("570.86")) + kPoint),
            "2: environment: '" + machine().fingerprint +
                "' is not the environment of this file, '" + machine("570.86").fingerprint +
                "' (points of two machines cannot be in one file)\n");
  EXPECT_EQ(mistakes(kPoint),
            "1: environment: a measured point before any environment (an 'environment' record "
            "comes first)\n");
}

TEST(RawFile, RefusesTimesOfAFailedCheck) {
  EXPECT_EQ(mistakes(kMachine + with(kPoint, R"("status":"ok")", R"("status":"failed")")),
            "2: times_us: a point whose check failed has times (what was computed wrong was not "
            "timed; remove 'times_us' or the record)\n");
}

TEST(RawFile, RefusesAKeyOfAnotherMeasurement) {
  EXPECT_EQ(mistakes(kMachine + with(kPoint, "m=4096", "m=2048")),
            "2: key: 'gemm.fp8 product groups=1 m=2048 n=4096 k=7168 fp8_blockwise...' is not the "
            "key of this measurement (it is 'gemm.fp8 product groups=1 m=4096 n=4096 k=7168 "
            "fp8_blockwise sustained')\n");
}

TEST(RawFile, RefusesUnknownKeysAndRecords) {
  EXPECT_EQ(mistakes(kMachine + with(kPoint, "times_us", "time_us")),
            "2: time_us: a measured point has 'times_us' instead\n2: times_us: missing key\n");
  EXPECT_EQ(mistakes(kMachine + with(kPoint, R"("kernels":1)", R"("kernel_count":1)")),
            "2: kernel_count: unknown key\n");
  EXPECT_EQ(mistakes(kMachine + with(kPoint, R"("record":"point")", R"("record":"dot")")),
            "2: record: 'dot' is not a record (write 'environment', 'point' or "
            "'not_measured')\n");
}

TEST(RawFile, RefusesOtherFiles) {
  EXPECT_EQ(mistakes(""), "0: is empty (planewise-calibrate run writes raw files)\n");
  EXPECT_EQ(mistakes("# A profile\nplanewise_calibration: 1\nname: x\n"),
            "2: is a profile, not a raw file (give the raw.jsonl that it was fitted from)\n");
  EXPECT_EQ(mistakes("planewise_model: 1\n"),
            "1: is not a raw file (give the raw.jsonl that planewise-calibrate run wrote)\n");
  EXPECT_EQ(mistakes(kMachine + std::string("\0", 1)).substr(0, 3), "2: ");
}

TEST(RawFile, TakesPublishedRates) {
  const std::string row =
      R"({"record":"point","id":"gemm.fp8","kernel":"product","precision":"fp8_blockwise",)"
      R"("groups":1,"m":4096,"n":2112,"k":7168,"sms":132,"rate_tflops":1009,)"
      R"("evidence":"published","source":"a table"})";
  const Result result = read(row + "\n");
  ASSERT_EQ(result.mistakes, "");
  const PointRecord& p = result.file.points.at(0);
  // 2 m n k = 124.0 GFLOP; FP8 rows have a scale of 4 bytes for 128 elements, the result is BF16.
  const double work = 2.0 * 4096 * 2112 * 7168;
  const double traffic = 4096.0 * 7168 * (1 + 4.0 / 128) + 2112.0 * 7168 + 2.0 * 4096 * 2112;
  EXPECT_DOUBLE_EQ(p.measurement.work.in(flop(1)), work);
  EXPECT_DOUBLE_EQ(p.measurement.traffic.in(bytes(1)), traffic);
  ASSERT_EQ(p.times.size(), 1U);
  EXPECT_DOUBLE_EQ(p.times[0].in(seconds(1)), work / 1009e12);
  EXPECT_EQ(p.evidence, spec::Evidence::published);
  const Result both = read(with(row, "\"rate_tflops\":1009", "\"rate_gb_per_s\":3000") + "\n");
  EXPECT_DOUBLE_EQ(both.file.points.at(0).times[0].in(seconds(1)), traffic / 3000e9);
  EXPECT_EQ(mistakes(with(row, "\"rate_tflops\"", "\"time_us\":3,\"rate_tflops\"")),
            "1: record: a published point has one of 'rate_tflops', 'rate_gb_per_s', 'time_us' "
            "(write the number as it is printed)\n");
  EXPECT_EQ(mistakes(with(row, ",\"source\":\"a table\"", "")), "1: source: missing key\n");
}

TEST(RawFile, NoByteMakesItCrash) {
  const std::string text = kMachine + kPoint + kPoint;
  for (const std::uint64_t seed : engine::seeds(300)) {
    Random random(seed);
    std::string changed = text;
    for (int change = 0; change < 3; ++change) {
      const auto last = static_cast<std::int64_t>(changed.size()) - 1;
      const auto at = static_cast<std::size_t>(random.integer(0, last));
      if (random.integer(0, 1) == 0) {
        changed[at] = static_cast<char>(random.integer(0, 255));
      } else {
        changed.erase(at, static_cast<std::size_t>(random.integer(1, 40)));
      }
    }
    SCOPED_TRACE("PLANEWISE_SEED=" + std::to_string(seed));
    const Result result = read(changed);
    for (const PointRecord& point : result.file.points) EXPECT_FALSE(point.times.empty());
  }
}

TEST(RawWriter, AppendsAndRemovesACutLine) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path("raw.jsonl");
  {
    RawWriter writer(path);
    writer.append(kMachine);
    writer.append(kPoint);
  }
  EXPECT_EQ(content_of(path), kMachine + kPoint);
  std::ofstream(path, std::ios::app) << kPoint.substr(0, 30);
  { RawWriter writer(path); }
  EXPECT_EQ(content_of(path), kMachine + kPoint);
  // A whole record that lacks its end only is kept, since a resumed run counts it as done.
  std::filesystem::resize_file(path, kMachine.size() + kPoint.size() - 1);
  { RawWriter writer(path); }
  EXPECT_EQ(content_of(path), kMachine + kPoint);
}

TEST(RawWriter, RemovesACutLineLongerThanABlock) {
  const test::TemporaryFolder folder;
  const std::string path =
      folder.write("raw.jsonl", kMachine + "{\"a\":\"" + std::string(200'000, 'x'));
  { RawWriter writer(path); }
  EXPECT_EQ(content_of(path), kMachine);
}

TEST(RawWriter, NamesTheFileThatItCannotOpen) {
  const test::TemporaryFolder folder;
  try {
    RawWriter writer(folder.path("no/such/raw.jsonl"));
    FAIL() << "it opened";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("no/such/raw.jsonl"), std::string::npos);
  }
}

}  // namespace
}  // namespace planewise::calibration
