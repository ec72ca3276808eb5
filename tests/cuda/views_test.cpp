#include "data/image_views.hpp"
#include "data/sets/shapes.hpp"
#include "engine/memory.hpp"
#include "kernels/device_memory.hpp"
#include "tests/cuda/support.hpp"

namespace bptplr {
namespace {

constexpr std::int64_t kImages = 500;  // 1.5 MB: more than one slot of pinned memory

const Dataset& shapes() {
  static const Dataset dataset = make_shapes(1, kImages, 10);
  return dataset;
}

Tensor views(const std::vector<std::int64_t>& indices, View view, Device device,
             SampleMemory memory, const ViewGeometry& geometry = {}) {
  const Dataset& data = shapes();
  const ImageViews maker(data.train.images, data.mean, data.std, geometry, device, DType::kFloat32,
                         memory);
  const Tensor out = maker.empty(std::ssize(indices));
  maker.make(indices, view, {1, 2, 3}, out);
  return out.to(Device{});
}

TEST(ViewsCuda, EqualTheCpuWhereverTheImagesWait) {
  const std::vector<std::int64_t> indices{499, 0, 7, 7, 341};
  for (const View view : {View::kTest, View::kWeak, View::kStrong}) {
    const Tensor expected = views(indices, view, {}, SampleMemory::kAuto);
    for (const auto memory : {SampleMemory::kAuto, SampleMemory::kDevice, SampleMemory::kHost}) {
      const Tensor actual = views(indices, view, {DeviceType::kCuda, 0}, memory);
      EXPECT_LT(relative_error(actual, expected), 1e-6);
    }
  }
}

TEST(ViewsCuda, EqualTheCpuWhereTheyShowAPart) {
  const std::vector<std::int64_t> indices{3, 499, 20};
  const ViewGeometry geometry{20, 1};
  for (const View view : {View::kTest, View::kStrong}) {
    const Tensor expected = views(indices, view, {}, SampleMemory::kAuto, geometry);
    const Tensor actual =
        views(indices, view, {DeviceType::kCuda, 0}, SampleMemory::kHost, geometry);
    EXPECT_EQ(actual.shape(), (Shape{3, 20, 20, 3}));
    EXPECT_LT(relative_error(actual, expected), 1e-6);
  }
}

TEST(ViewsCuda, OfNoImages) {
  for (const auto memory : {SampleMemory::kDevice, SampleMemory::kHost}) {
    EXPECT_EQ(views({}, View::kStrong, {DeviceType::kCuda, 0}, memory).size(0), 0);
  }
}

TEST(ViewsCuda, ImagesThatStayOnTheHostTakeNoDeviceMemory) {
  const Dataset& data = shapes();
  const Device device{DeviceType::kCuda, 0};
  const auto in_use = [&] {
    kernels::synchronize(cuda_context(device));  // so that what was given back counts as free
    return kernels::device_memory_use(cuda_context(device)).now;
  };
  const std::size_t before = in_use();
  const ImageViews host(data.train.images, data.mean, data.std, {}, device, DType::kFloat32,
                        SampleMemory::kHost);
  EXPECT_EQ(in_use(), before);
  const ImageViews kept(data.train.images, data.mean, data.std, {}, device, DType::kFloat32,
                        SampleMemory::kAuto);
  EXPECT_GE(in_use(), before + data.train.images.pixels.size());
}

}  // namespace
}  // namespace bptplr
