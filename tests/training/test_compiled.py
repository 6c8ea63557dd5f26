"""A compiled network trains to the same weights; backend "eager" traces without a C++ compiler."""

import torch
from omegaconf import OmegaConf
from pytorch_lightning.callbacks import Callback

from molediff.commands import training
from molediff.networks.weights import load_weights
from molediff.training.compiled import CompiledNetwork
from molediff.training.run import train


def test_trains_to_the_same_weights_and_leaves_their_names(toy, tmp_path):
    make_task, data = toy
    weights = []
    for name, callbacks in (("plain", ()), ("compiled", (CompiledNetwork("eager"),))):
        task = make_task(6)
        train(task, data(), tmp_path / name, device="cpu", precision="32-true", callbacks=callbacks)
        weights.append(load_weights(tmp_path / name / "weights.safetensors")[0])
    compiled = task.model.network._compiled_call_impl
    assert compiled is not None
    assert weights[0].keys() == weights[1].keys()
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=1e-3, atol=1e-4)


def test_validation_runs_the_network_as_it_is_written(toy):
    make_task, _ = toy
    task, callback = make_task(1), CompiledNetwork("eager")
    traced = []

    def backend(graph, inputs):
        traced.append(graph)
        return graph.forward

    callback.backend = backend
    callback.on_train_start(None, task)
    network, level = task.model.network, torch.zeros(2)
    callback.on_validation_start(None, task)
    network(torch.zeros(2, 2), level, None)
    assert not traced
    callback.on_validation_end(None, task)
    network(torch.zeros(2, 2), level, None)
    assert traced


def test_sampling_after_a_validation_runs_the_network_as_it_is_written(monkeypatch):
    other = Callback()
    monkeypatch.setattr(training, "_sampling", lambda config, task, data: (other,))
    config = OmegaConf.create({"trainer": {"compile": True}})
    first, second = training.build_callbacks(config, None, None)
    assert first is other  # before the compiled network is back
    assert isinstance(second, CompiledNetwork)
