// NVML, on a library that stands for the driver's (fake_nvml/nvml.cc).
#include "calibration/telemetry/nvml.h"

#include <gtest/gtest.h>

namespace planewise::calibration {
namespace {

TEST(Nvml, TellsWhatTheDriverTells) {
  std::string problem;
  const auto nvml = Nvml::open("0000:1b:00.0", problem, PLANEWISE_FAKE_NVML);
  ASSERT_NE(nvml, nullptr) << problem;
  const Telemetry telemetry = nvml->telemetry();
  EXPECT_EQ(telemetry.sm_clock_mhz, 1755);
  EXPECT_EQ(telemetry.memory_clock_mhz, 3201);
  EXPECT_DOUBLE_EQ(telemetry.power_w, 612.5);  // 612,500 mW
  EXPECT_EQ(telemetry.temperature_c, 0);       // the library has no such function
  EXPECT_EQ(telemetry.other_processes, 39);    // 40 without this one
  EXPECT_EQ(throttle_names(telemetry.throttle_reasons),
            std::vector<std::string>{"sw_power_cap"});  // 0x2, the user's clocks, is none
  EXPECT_EQ(nvml->driver(), "580.65.06");
  EXPECT_EQ(nvml->uuid(), "GPU-1234");
  EXPECT_EQ(nvml->sm_clock_mhz_max(), 1980);
  EXPECT_EQ(nvml->power_limit_w(), 700);
  EXPECT_EQ(nvml->utilisation_percent(), std::nullopt);       // not supported
  EXPECT_EQ(nvml->nvlink_rate(), gigabytes_per_second(200));  // 8 links of 25 GB/s
}

TEST(Nvml, FindsAGpuByItsUuid) {
  std::string problem;
  EXPECT_NE(Nvml::open("GPU-1234", problem, PLANEWISE_FAKE_NVML), nullptr);
  EXPECT_EQ(Nvml::open("GPU-9", problem, PLANEWISE_FAKE_NVML), nullptr);
  EXPECT_EQ(problem, "NVML finds no GPU GPU-9: Not Found");
}

TEST(Nvml, SaysThatThereIsNoLibrary) {
  std::string problem;
  EXPECT_EQ(Nvml::open("0000:1b:00.0", problem, "/no/such/libnvidia-ml.so.1"), nullptr);
  EXPECT_EQ(problem, "/no/such/libnvidia-ml.so.1 cannot be loaded");
  // One that is no NVML: the C library.
  EXPECT_EQ(Nvml::open("0000:1b:00.0", problem, "libc.so.6"), nullptr);
  EXPECT_EQ(problem, "libc.so.6 has no nvmlInit_v2");
}

}  // namespace
}  // namespace planewise::calibration
