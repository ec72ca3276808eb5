// The sentence that a user would see.
#pragma once

#include <functional>
#include <string>

#include "engine/error.hpp"

namespace bptplr {

/// What the Error that fn throws says; "" where it throws none.
inline std::string message_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace bptplr
