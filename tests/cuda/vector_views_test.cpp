#include "data/vector_views.hpp"

#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

constexpr Device kGpu{DeviceType::kCuda, 0};

Vectors vectors(std::int64_t count, std::int64_t dim, kernels::VectorType type) {
  Philox random(2, Purpose::kTest);
  std::vector<float> values(static_cast<std::size_t>(count * dim));
  for (float& value : values) value = random.uniform();
  Vectors made = Vectors::in_memory(dim, std::move(values));
  if (type == kernels::VectorType::kFloat32) return made;
  const auto halves =
      std::make_shared<std::vector<std::uint16_t>>(static_cast<std::size_t>(count * dim));
  for (auto& half : *halves) half = static_cast<std::uint16_t>(0x3000U + random.below(0x1000U));
  const auto bytes = std::as_bytes(std::span(*halves));
  made.type = type;
  made.bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  made.owner = halves;
  return made;
}

Tensor views(const Vectors& of, View view, Device device, SampleMemory memory) {
  const std::vector<float> mean(static_cast<std::size_t>(of.dim), 0.4F);
  const std::vector<float> std(static_cast<std::size_t>(of.dim), 0.3F);
  const VectorViews maker(of, mean, std, {{0.1F, 0.4F}, {0.0F, 0.5F}}, device, DType::kFloat32,
                          memory);
  const std::vector<std::int64_t> indices{4, 0, 4, 2};
  const Tensor out = maker.empty(std::ssize(indices));
  maker.make(indices, view, {1, 2, 3}, out);
  return out.to(Device{});
}

TEST(VectorViewsCuda, EqualTheCpuWhereverTheVectorsWait) {
  for (const auto type : {kernels::VectorType::kFloat16, kernels::VectorType::kFloat32}) {
    for (const std::int64_t dim : {1, 33, 257}) {
      Vectors all = vectors(9, dim, type);
      all.count = 5;
      all.rows = std::make_shared<const std::vector<std::int64_t>>(
          std::vector<std::int64_t>{8, 3, 0, 1, 7});
      for (const View view : {View::kTest, View::kWeak, View::kStrong}) {
        const Tensor expected = views(all, view, {}, SampleMemory::kAuto);
        for (const auto memory : {SampleMemory::kDevice, SampleMemory::kHost}) {
          EXPECT_LT(relative_error(views(all, view, kGpu, memory), expected), 1e-6);
        }
      }
    }
  }
}

}  // namespace
}  // namespace bptplr
