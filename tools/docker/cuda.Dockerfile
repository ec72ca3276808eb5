# The program on an NVIDIA GPU: docker build -f tools/docker/cuda.Dockerfile -t bptplr-cuda .
# Needs no GPU to build; docker run --gpus all bptplr-cuda train --device cuda ...
FROM nvidia/cuda:13.0.1-cudnn-devel-ubuntu24.04
COPY . /opt/bptplr
WORKDIR /opt/bptplr
RUN tools/demo.sh
RUN tools/test.sh
# What the two commands leave out: the program with the CUDA backend.
RUN cmake --preset cuda && cmake --build --preset cuda --target bptplr
ENTRYPOINT ["/opt/bptplr/build/cuda/bptplr"]
