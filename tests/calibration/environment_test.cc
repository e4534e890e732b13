// What makes two measurements comparable.
#include "calibration/measure/environment.h"

#include <gtest/gtest.h>

#include "calibration/measure/fingerprint.h"
#include "spec/temporary_folder.h"

namespace planewise::calibration {
namespace {

Environment hopper() {
  return {.backend = "cuda",
          .gpu = "NVIDIA H200",
          .sms = 132,
          .driver = "570.86",
          .libraries = {{"cublasLt", "13.1.0"}},
          .tool = "planewise-calibrate 0.1.0 (3f2a1b)"};
}

TEST(Sha256, IsTheStandards) {
  // FIPS 180-4's example "abc".
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Fingerprint, ChangesWithWhatChangesTimes) {
  const std::string before = fingerprint(hopper());
  EXPECT_EQ(before.size(), 16U);
  EXPECT_EQ(before.find_first_not_of("0123456789abcdef"), std::string::npos);
  Environment other = hopper();
  other.driver = "580.65";
  EXPECT_NE(fingerprint(other), before);
  other = hopper();
  other.libraries["cublasLt"] = "13.2.0";
  EXPECT_NE(fingerprint(other), before);
  other = hopper();
  other.libraries["cudnn"] = "9.19.0";
  EXPECT_NE(fingerprint(other), before);
}

TEST(Fingerprint, DoesNotChangeWithTheToolsRevision) {
  Environment other = hopper();
  other.tool = "planewise-calibrate 0.1.0 (77aa01)";
  EXPECT_EQ(fingerprint(other), fingerprint(hopper()));
}

TEST(Fingerprint, NamesTheFieldsThatDiffer) {
  Environment now = hopper();
  EXPECT_TRUE(environment_differences(hopper(), now).empty());
  now.driver = "580.65";
  now.libraries = {{"cudnn", "9.19.0"}};
  const std::vector<std::string> expected = {"driver: was '570.86', is '580.65'",
                                             "libraries.cublasLt: was '13.1.0', is ''",
                                             "libraries.cudnn: was '', is '9.19.0'"};
  EXPECT_EQ(environment_differences(hopper(), now), expected);
}

TEST(Throttle, NamesReasonsButNotIdleNorTheUsersClocks) {
  EXPECT_TRUE(throttle_names(0x3).empty());
  const std::vector<std::string> all = {
      "sw_power_cap",        "hw_slowdown",    "sync_boost",    "sw_thermal_slowdown",
      "hw_thermal_slowdown", "hw_power_brake", "display_clocks"};
  EXPECT_EQ(throttle_names(0x1ff), all);
  EXPECT_EQ(throttle_names(0x41), std::vector<std::string>{"hw_thermal_slowdown"});
}

TEST(Host, IsNamedForItsProcessor) {
  const test::TemporaryFolder folder;
  const std::string path = folder.write(
      "cpuinfo", "processor\t: 0\nmodel name\t: Fast CPU @ 2.0GHz\nmodel name\t: Other\n");
  EXPECT_EQ(processor_name(path), "Fast CPU @ 2.0GHz");
  EXPECT_EQ(processor_name(folder.path("none")), "");
  const Environment host = host_environment("planewise-calibrate 0.1.0");
  EXPECT_EQ(host.backend, "host");
  EXPECT_FALSE(host.gpu.empty());
  EXPECT_FALSE(host.compiler.empty());
}

}  // namespace
}  // namespace planewise::calibration
