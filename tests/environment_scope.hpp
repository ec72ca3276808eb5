// An environment variable with a value for as long as a scope lasts.
#pragma once

#include <cstdlib>

namespace bptplr {

class EnvironmentScope {
 public:
  /// Sets a variable that is not set outside.
  EnvironmentScope(const char* name, const char* value) : name_(name) {
    ::setenv(name, value, /*overwrite=*/1);
  }
  EnvironmentScope(const EnvironmentScope&) = delete;
  EnvironmentScope& operator=(const EnvironmentScope&) = delete;
  ~EnvironmentScope() { ::unsetenv(name_); }

 private:
  const char* name_;
};

}  // namespace bptplr
