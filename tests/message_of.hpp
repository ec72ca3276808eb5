// Captures the error sentence that a user would see.
#pragma once

#include <functional>
#include <string>

#include "engine/error.hpp"

namespace bptplr {

/// Returns the sentence of the Error that fn throws; "" if it throws none.
inline std::string message_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace bptplr
