using System.Buffers;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>
/// A message whose sender waits for its completion, with the pins that hold its payload still. The pins are let go when the message
/// is done or withdrawn, and not before.
/// </summary>
internal sealed unsafe partial class AttachedSend(int block, uint generation, MemoryHandle[] pins, iovec[] segments, long length)
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public int Block { get; } = block;

    public uint Generation { get; } = generation;

    public long Length { get; } = length;

    /// <summary>Held while the payload is being copied here, into the arena or a receiver's memory, so that it is not withdrawn under the copy.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The payload must not be touched any more. Under <see cref="Gate"/>.</summary>
    public bool IsOver { get; private set; }

    /// <summary>A move is under way or waits for room. Under <see cref="Gate"/>.</summary>
    public bool IsMoving { get; set; }

    /// <summary>Under <see cref="Gate"/>: its payload is in the arena as well.</summary>
    public bool IsMoved { get; set; }

    /// <summary>Why this process took the message back by itself, if it did. Under <see cref="Gate"/>.</summary>
    public Exception? TakenBack { get; set; }

    public Task Completion => _done.Task;

    public bool IsAttached => pins.Length > 0;

    public void Complete() => _done.TrySetResult();

    public void Fail(Exception exception) => _done.TrySetException(exception);

    /// <summary>Copies the payload within this process; 0 or errno.</summary>
    public int CopyPayload(byte* destination) => OwnMemory.Copy(segments, destination);

    public void Unpin()
    {
        lock (Gate)
        {
            if (IsOver)
                return;
            IsOver = true;
        }

        foreach (MemoryHandle pin in pins)
            pin.Dispose();
    }
}
