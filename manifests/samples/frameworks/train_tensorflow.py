"""TensorFlow with a loop of its own, since Keras 3 trains on one node only. On several it finds the others by TF_CONFIG, which Treadle sets.

Each node learns from its share of the data, and all keep the same weights. The first one tells MLflow how it goes and TensorBoard what it measured.
"""

import os

import mlflow
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

EPOCHS = int(os.environ.get("TREADLE_PARAM_EPOCHS", "10"))
BATCH, RATE = 64, 0.5
nodes, rank = int(os.environ.get("TREADLE_NODES", "1")), int(os.environ.get("TREADLE_NODE_RANK", "0"))
strategy = tf.distribute.MultiWorkerMirroredStrategy() if nodes > 1 else tf.distribute.get_strategy()
folder = os.environ.get("TREADLE_CHECKPOINT_DIR")
events = tf.summary.create_file_writer(f"{folder}/logs") if folder and rank == 0 else tf.summary.create_noop_writer()

pixels, labels = load_digits(return_X_y=True)
pixels = (pixels / 16).astype(np.float32)
held_out = len(pixels) // 5
share = slice(held_out + rank, None, nodes)
steps = (len(pixels) - held_out) // nodes // BATCH  # the same for all, since all wait for each other


def weight(*shape: int) -> tf.Variable:
    """A weight that is the same on all nodes."""
    return tf.Variable(tf.random.stateless_normal(shape, seed=(1, len(shape))) / 8, aggregation=tf.VariableAggregation.MEAN)


with strategy.scope():
    weights = [weight(64, 32), weight(32), weight(32, 10), weight(10)]


def answers(batch: tf.Tensor) -> tf.Tensor:
    """One hidden layer."""
    return tf.nn.relu(batch @ weights[0] + weights[1]) @ weights[2] + weights[3]


def learn(batch: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """A step of one node, with what the others learnt in theirs."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(right, answers(batch)))
    gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, tape.gradient(loss, weights))
    for variable, gradient in zip(weights, gradients, strict=True):
        variable.assign_sub(RATE * gradient)
    return loss


@tf.function
def step(batch: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """A step of all nodes."""
    return strategy.reduce(tf.distribute.ReduceOp.MEAN, strategy.run(learn, args=(batch, right)), axis=None)


if rank == 0:
    mlflow.start_run()
for epoch in range(EPOCHS):
    order = np.random.default_rng(epoch).permutation(len(pixels[share]))
    for at in range(0, steps * BATCH, BATCH):
        chosen = order[at : at + BATCH]
        loss = step(tf.constant(pixels[share][chosen]), tf.constant(labels[share][chosen]))
    accuracy = float(np.mean(np.argmax(answers(tf.constant(pixels[:held_out])), axis=1) == labels[:held_out]))
    if rank == 0:
        mlflow.log_metrics({"val_accuracy": accuracy, "loss": float(loss), "epoch": epoch + 1}, step=epoch)
        with events.as_default(step=epoch):
            tf.summary.scalar("val_accuracy", accuracy)
events.close()
if rank == 0:
    mlflow.end_run()
