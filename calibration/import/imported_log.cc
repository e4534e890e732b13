#include "calibration/import/imported_log.h"

#include <filesystem>
#include <map>

#include "calibration/measure/fingerprint.h"

namespace planewise::calibration {

void finish_import(const std::string& log, const std::string& version, ImportedLog& imported) {
  Environment& environment = imported.environment.environment;
  environment.backend = "import";
  if (environment.gpu.empty()) environment.gpu = "unknown GPU";
  environment.tool = version;
  imported.environment.fingerprint = fingerprint(environment);
  imported.cluster.launcher = "import";
  const std::string name = std::filesystem::path(log).filename().string();
  std::map<std::string, int> rounds;
  for (CommPointRecord& point : imported.points) {
    point.key = key_of(point.point);
    point.environment = imported.environment.fingerprint;
    point.repetition = ++rounds[point.key];
    point.source = point.source.empty() ? name : name + ", " + point.source;
    point.implementation = imported.cluster.transport;
  }
}

}  // namespace planewise::calibration
