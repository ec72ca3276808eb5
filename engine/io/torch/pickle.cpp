#include "engine/io/torch/pickle.hpp"

#include <bit>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "engine/error.hpp"
#include "engine/io/budget.hpp"
#include "engine/io/torch/pickle_objects.hpp"
#include "engine/io/torch/pickle_opcodes.hpp"

namespace bptplr {
namespace {

using namespace pickle_opcodes;

/// Limits the time for any file, beside the budget. Genuine CIFAR files need about 50,000
/// operations, large networks about 20,000.
constexpr int kMaxOperations = 1'000'000;

/// Longest name of a class that is kept: a file may refer to one text many times.
constexpr std::size_t kMaxName = 200;

}  // namespace

const PickleValue* PickleValue::find(std::string_view key) const {
  if (kind != Kind::kDict) return nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i]->kind == Kind::kText && items[i]->text == key) return items[i + 1];
  }
  return nullptr;
}

/// Stack machine that executes a pickle's opcodes.
class Unpickler {
 public:
  Unpickler(Pickle& pickle, ForeignObjects foreign)
      : pickle_(pickle),
        rest_(pickle.bytes_),
        budget_(pickle.name_, pickle.bytes_.size()),
        skips_(foreign == ForeignObjects::kSkip) {}

  const PickleValue* run() {
    for (int count = 0; count < kMaxOperations; ++count) {
      const auto op = integer<std::uint8_t>();
      if (op == kStop) {
        pickle_.size_ = pickle_.bytes_.size() - rest_.size();
        return pop();
      }
      if (!(push_scalar(op) || push_text(op) || make_container(op) || use_memo(op) ||
            make_object(op) || skip_framing(op) || (skips_ && make_foreign(op)))) {
        fail(fmt::format("operation 0x{:02x} is none that data sets and weights use", op));
      }
    }
    fail(fmt::format("more than {} operations", kMaxOperations));
  }

 private:
  using Kind = PickleValue::Kind;

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(
        "{}: not a readable pickle, at byte {} of {}: {}; fetch or save the file again "
        "(pickle protocol 2 to 5)",
        pickle_.name_, pickle_.bytes_.size() - rest_.size(), pickle_.bytes_.size(), what);
  }

  void expect(bool condition, const char* what) const {
    if (!condition) fail(what);
  }

  // --- bytes of the file ---

  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) {
      fail(fmt::format("{} more bytes expected where {} are left", count, rest_.size()));
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  template <class T>
  T integer() {
    static_assert(std::endian::native == std::endian::little, "pickles are little-endian");
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string_view line() {
    const std::size_t end = rest_.find('\n');
    expect(end != std::string_view::npos, "a name without an end of line");
    const std::string_view text = take(end);
    take(1);
    return text;
  }

  // --- the stack ---

  PickleValue& push(Kind kind) {
    budget_.hold(sizeof(PickleValue));
    PickleValue& value = pickle_.values_.emplace_back();
    value.kind = kind;
    stack_.push_back(&value);
    return value;
  }

  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  PickleValue& top() const {
    expect(stack_.size() > floor(), "an operation on an empty stack");
    return *stack_.back();
  }

  PickleValue* pop() {
    PickleValue* value = &top();
    stack_.pop_back();
    return value;
  }

  PickleValue& pop(Kind kind, const char* what) {
    PickleValue* value = pop();
    expect(value->kind == kind, what);
    return *value;
  }

  /// Pops the last `count` values off the stack, in the order in which they were pushed.
  std::vector<const PickleValue*> pop_last(std::size_t count) {
    expect(stack_.size() - floor() >= count, "an operation on an empty stack");
    budget_.hold(count * sizeof(PickleValue*));
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<const PickleValue*> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    return values;
  }

  std::vector<const PickleValue*> pop_to_mark() {
    expect(!marks_.empty(), "the end of a group that has no beginning");
    auto values = pop_last(stack_.size() - marks_.back());
    marks_.pop_back();
    return values;
  }

  // --- groups of opcodes; each function returns whether it handled `op` ---

  bool push_scalar(std::uint8_t op) {
    switch (op) {
      case kNone:
        push(Kind::kNone);
        return true;
      case kNewTrue:
        push(Kind::kBool).integer = 1;
        return true;
      case kNewFalse:
        push(Kind::kBool).integer = 0;
        return true;
      case kBinInt:
        push(Kind::kInteger).integer = integer<std::int32_t>();
        return true;
      case kBinInt1:
        push(Kind::kInteger).integer = integer<std::uint8_t>();
        return true;
      case kBinInt2:
        push(Kind::kInteger).integer = integer<std::uint16_t>();
        return true;
      case kLong1:
        push_long(integer<std::uint8_t>());
        return true;
      case kLong4:
        push_long(integer<std::uint32_t>());
        return true;
      case kBinFloat:
        push(Kind::kFloat).number =
            std::bit_cast<double>(__builtin_bswap64(integer<std::uint64_t>()));
        return true;
      default:
        return false;
    }
  }

  void push_long(std::uint64_t size) {
    const std::string_view digits = take(size);
    if (digits.size() > sizeof(std::int64_t)) {
      expect(skips_, "an integer of more than 64 bits");
      push(Kind::kForeign);
      return;
    }
    const bool negative = !digits.empty() && (digits.back() & 0x80) != 0;
    std::int64_t value = negative ? -1 : 0;
    std::memcpy(&value, digits.data(), digits.size());
    push(Kind::kInteger).integer = value;
  }

  bool push_text(std::uint8_t op) {
    switch (op) {
      case kShortBinString:
      case kShortBinBytes:
      case kShortBinUnicode:
        push_bytes(integer<std::uint8_t>());
        return true;
      case kBinString:
      case kBinBytes:
      case kBinUnicode:
        push_bytes(integer<std::uint32_t>());
        return true;
      case kBinBytes8:
      case kBinUnicode8:
      case kByteArray8:
        push_bytes(integer<std::uint64_t>());
        return true;
      default:
        return false;
    }
  }

  void push_bytes(std::uint64_t count) {
    const std::string_view text = take(count);
    push(Kind::kText).text = text;
  }

  bool make_container(std::uint8_t op) {
    switch (op) {
      case kMark:
        marks_.push_back(stack_.size());
        return true;
      case kEmptyTuple:
        push(Kind::kTuple);
        return true;
      case kEmptyList:
        push(Kind::kList);
        return true;
      case kEmptyDict:
        push(Kind::kDict);
        return true;
      case kTuple1:
        push_tuple(pop_last(1));
        return true;
      case kTuple2:
        push_tuple(pop_last(2));
        return true;
      case kTuple3:
        push_tuple(pop_last(3));
        return true;
      case kTuple:
        push_tuple(pop_to_mark());
        return true;
      case kAppend:
        extend(Kind::kList, pop_last(1));
        return true;
      case kAppends:
        extend(Kind::kList, pop_to_mark());
        return true;
      case kSetItem:
        extend(Kind::kDict, pop_last(2));
        return true;
      case kSetItems:
        extend(Kind::kDict, pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  void push_tuple(std::vector<const PickleValue*> items) {
    push(Kind::kTuple).items = std::move(items);
  }

  void extend(Kind kind, const std::vector<const PickleValue*>& items) {
    PickleValue& container = top();
    if (container.kind == Kind::kForeign) return;
    expect(container.kind == kind, "items for something that is not their container");
    expect(kind != Kind::kDict || items.size() % 2 == 0, "a dict key without a value");
    container.items.insert(container.items.end(), items.begin(), items.end());
  }

  bool use_memo(std::uint8_t op) {
    switch (op) {
      case kBinPut:
        memo_[integer<std::uint8_t>()] = &top();
        return true;
      case kLongBinPut:
        memo_[integer<std::uint32_t>()] = &top();
        return true;
      case kMemoize:
        memo_[static_cast<std::uint32_t>(memo_.size())] = &top();
        return true;
      case kBinGet:
        recall(integer<std::uint8_t>());
        return true;
      case kLongBinGet:
        recall(integer<std::uint32_t>());
        return true;
      default:
        return false;
    }
  }

  void recall(std::uint32_t index) {
    const auto found = memo_.find(index);
    expect(found != memo_.end(), "a reference to a value that was not stored");
    stack_.push_back(found->second);
  }

  bool make_object(std::uint8_t op) {
    switch (op) {
      case kGlobal: {
        const std::string_view module = line();
        push_global(module, line());
        return true;
      }
      case kStackGlobal: {
        const std::string_view name = pop(Kind::kText, "an object name that is no text").text;
        push_global(pop(Kind::kText, "a module name that is no text").text, name);
        return true;
      }
      case kReduce:
        reduce();
        return true;
      case kBuild: {
        const PickleValue* state = pop();
        PickleValue& object = top();
        count_items(*state);
        skip_unless_done(pickle_objects::set_state(object, *state), object);
        return true;
      }
      case kBinPersId: {
        const PickleValue* id = pop();
        expect_done(pickle_objects::make_storage(*id, push(Kind::kStorage)));
        return true;
      }
      default:
        return false;
    }
  }

  /// Handles what only objects that are not read use.
  bool make_foreign(std::uint8_t op) {
    switch (op) {
      case kNewObj:
        pop();
        return push_foreign(*pop());
      case kNewObjEx:
        pop();
        pop();
        return push_foreign(*pop());
      case kEmptySet:
        push(Kind::kForeign);
        return true;
      case kAddItems:
        pop_to_mark();
        return true;
      case kFrozenSet:
        pop_to_mark();
        push(Kind::kForeign);
        return true;
      case kPop:
        pop();
        return true;
      case kPopMark:
        pop_to_mark();
        return true;
      case kDup:
        stack_.push_back(&top());
        return true;
      default:
        return false;
    }
  }

  /// Pushes an object of a class, or what a function returns.
  bool push_foreign(const PickleValue& callee) {
    push(Kind::kForeign).text = callee.text;
    return true;
  }

  /// Makes the object foreign if a function of pickle_objects returned a problem.
  void skip_unless_done(const char* problem, PickleValue& object) const {
    if (!skips_) expect_done(problem);
    if (problem == nullptr) return;
    object = {};
    object.kind = Kind::kForeign;
  }

  /// Throws if a function of pickle_objects returned a problem other than nullptr.
  void expect_done(const char* problem) const {
    if (problem != nullptr) fail(problem);
  }

  void push_global(std::string_view module, std::string_view name) {
    if (skips_ && module.size() + name.size() > kMaxName) {
      push(Kind::kForeign);
      return;
    }
    const std::string full = fmt::format("{} {}", module, name);
    const std::string_view known = pickle_objects::known_name(full);
    budget_.hold(full.size());
    if (known.empty() && skips_) {
      push(Kind::kForeign).text = pickle_.decoded_.emplace_back(full);
      return;
    }
    if (known.empty()) {
      fail(
          fmt::format("it refers to the Python object '{}', and objects other than arrays and "
                      "tensors are never loaded",
                      quotable(full)));
    }
    push(Kind::kGlobal).text = known;
  }

  /// Records the object that a call in the file would construct, without calling anything.
  void reduce() {
    if (skips_ && stack_.size() - floor() >= 2 && is_foreign_call()) {
      pop();
      push_foreign(*pop());
      return;
    }
    const PickleValue& arguments = pop(Kind::kTuple, "a call without arguments");
    const std::string_view callee = pop(Kind::kGlobal, "a call of something else than a name").text;
    if (pickle_objects::encodes_bytes(callee)) {
      expect(!arguments.items.empty() && arguments.items[0]->kind == Kind::kText,
             "bytes that are not stored as a text");
      const std::string_view bytes = latin1_bytes(arguments.items[0]->text);
      push(Kind::kText).text = bytes;
    } else {
      count_items(arguments);
      PickleValue& object = push(Kind::kNone);
      skip_unless_done(pickle_objects::construct(callee, arguments, object), object);
    }
  }

  /// Counts the values that an object takes from what describes it, which the file may mention
  /// repeatedly.
  void count_items(const PickleValue& parts) {
    budget_.work(parts.items.size() * sizeof(PickleValue*));
    for (const PickleValue* part : parts.items) {
      budget_.hold(part->items.size() * sizeof(PickleValue*));
    }
  }

  bool is_foreign_call() const {
    const PickleValue& arguments = *stack_.back();
    return stack_[stack_.size() - 2]->kind != Kind::kGlobal || arguments.kind != Kind::kTuple;
  }

  /// Decodes bytes that Python 3 writes in protocol 2 as UTF-8 text of the code points 0 to 255.
  std::string_view latin1_bytes(std::string_view utf8) {
    budget_.hold(utf8.size());  // a text may be mentioned repeatedly
    std::string& bytes = pickle_.decoded_.emplace_back();
    bytes.reserve(utf8.size());
    for (std::size_t i = 0; i < utf8.size(); ++i) {
      const auto lead = static_cast<std::uint8_t>(utf8[i]);
      if (lead < 0x80) {
        bytes.push_back(utf8[i]);
        continue;
      }
      expect((lead & 0xfc) == 0xc0 && ++i < utf8.size(), "bytes that are not encoded as latin1");
      const auto trail = static_cast<std::uint8_t>(utf8[i]);
      bytes.push_back(static_cast<char>((lead & 0x03) << 6 | (trail & 0x3f)));
    }
    return bytes;
  }

  bool skip_framing(std::uint8_t op) {
    if (op == kProto) {
      const auto protocol = integer<std::uint8_t>();
      if (protocol < 2 || protocol > 5) fail(fmt::format("protocol {}", protocol));
      return true;
    }
    if (op != kFrame) return false;
    expect(integer<std::uint64_t>() <= rest_.size(), "a frame that is longer than the file");
    return true;
  }

  Pickle& pickle_;
  std::string_view rest_;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, PickleValue*> memo_;
  Budget budget_;
  bool skips_;  ///< foreign objects
};

Pickle::Pickle(std::string bytes, std::string name)
    : Pickle(std::move(bytes), std::move(name), ForeignObjects::kRefuse) {}

Pickle::Pickle(std::string bytes, std::string name, ForeignObjects foreign)
    : owned_(std::move(bytes)),
      bytes_(owned_),
      name_(std::move(name)),
      root_(Unpickler(*this, foreign).run()) {}

Pickle::Pickle(std::string_view bytes, std::string name, ForeignObjects foreign)
    : bytes_(bytes), name_(std::move(name)), root_(Unpickler(*this, foreign).run()) {}

std::vector<const PickleValue*> Pickle::storages() const {
  std::vector<const PickleValue*> storages;
  for (const PickleValue& value : values_) {
    if (value.kind == PickleValue::Kind::kStorage) storages.push_back(&value);
  }
  return storages;
}

}  // namespace bptplr
