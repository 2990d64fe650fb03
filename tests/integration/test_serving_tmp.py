import sys, time, threading
import numpy as np, pytest
import acl_bundle as ab
from acl_bundle import fake

pytestmark = pytest.mark.usefixtures("fake_acl")
def test_basic(mlp):
    with ab.Bundle.load(mlp.path) as b:
        b.init()
        np.testing.assert_allclose(b.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)
        out = b.infer.run({"x": mlp.x}, timeout_ms=1000)
        np.testing.assert_allclose(out["y"], mlp.answer(), rtol=1e-5, atol=1e-5)
        assert out.version == 0
        f = b.infer.submit(mlp.x)
        np.testing.assert_allclose(f.result(5), mlp.answer(), rtol=1e-5, atol=1e-5)
        ys = list(b.infer.stream([mlp.x * k for k in range(20)]))
        for k, y in enumerate(ys):
            np.testing.assert_allclose(y, mlp.answer(x=mlp.x * k), rtol=1e-4, atol=1e-4)
        b.update(mlp.random(1))
        np.testing.assert_allclose(b.infer.submit(mlp.x).result(5), mlp.answer(mlp.random(1)), rtol=1e-4, atol=1e-4)
    assert not [t for t in threading.enumerate() if t.name.startswith("acl_bundle")]

@pytest.mark.parametrize("n", [2,3])
def test_replicas(mlp, n):
    from concurrent.futures import ThreadPoolExecutor
    with ab.Bundle.load(mlp.path, replicas=n) as b:
        b.init()
        fake.latency("aclmdlExecute", 0.05)
        t=time.monotonic()
        with ThreadPoolExecutor(n) as p:
            for y in p.map(lambda _: b.infer(mlp.x), range(2*n)):
                np.testing.assert_allclose(y, mlp.answer(), rtol=1e-5, atol=1e-5)
        assert time.monotonic()-t < 0.19
def test_timeout(mlp):
    with ab.Bundle.load(mlp.path) as b:
        b.init()
        fake.latency("aclmdlExecuteAsync", 0.5)
        with pytest.raises(ab.AclTimeoutError) as e:
            b.infer.run({"x": mlp.x}, timeout_ms=30)
        print(e.value)
        assert isinstance(e.value, TimeoutError)
        with pytest.raises(ab.BusyError) as e: b.infer.run({"x": mlp.x}, timeout_ms=30)
        print(e.value)
        with pytest.raises(ab.BusyError) as e: b.infer.submit(mlp.x)
        with pytest.raises(ab.BusyError) as e: b.update(mlp.random(1))
        print(e.value)
        np.testing.assert_allclose(b.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)
        time.sleep(0.6)
        fake.latency("aclmdlExecuteAsync", 0)
        out = b.infer.run({"x": mlp.x}, timeout_ms=300)
        np.testing.assert_allclose(out["y"], mlp.answer(), rtol=1e-5, atol=1e-5)
        b.update(mlp.random(1))
@pytest.mark.acl(leaks="ignore")
def test_close_busy(mlp):
    b = ab.Bundle.load(mlp.path)
    b.init()
    fake.latency("aclmdlExecuteAsync", 5)
    with pytest.raises(ab.AclTimeoutError) as e:
        b.infer.run({"x": mlp.x}, timeout_ms=30)
    t=time.monotonic()
    with pytest.warns(ResourceWarning): b.close()
    assert time.monotonic()-t < 1
