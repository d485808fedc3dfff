using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy.Messaging;

/// <summary>
/// A message whose sender waits for its completion, with the pins that hold its payload still. The pins are let go when the message
/// is done or withdrawn, and not before. Used again for the next message of its handle; a thread that still has it from the message before finds
/// the next one, or none, and does for that what is asked for.
/// </summary>
internal sealed unsafe partial class AttachedSend(MessageQueue queue) : AsyncSignal, IThreadPoolWorkItem
{
    // What a block has room for; more is not kept for the next message.
    private const int Kept = 32;

    private MemoryHandle[] _pins = new MemoryHandle[1];
    private byte[]?[] _arrays = new byte[]?[1];
    private iovec[] _segments = new iovec[1];
    private int _pinCount;
    private int _segmentCount;
    private PoolMapping? _buffer;
    private uint _rental;
    private Exception? _failure;
    private (long Poster, ulong Tag) _refused;

    public MessageQueue Queue { get; } = queue;

    public int Block { get; private set; }

    public uint Generation { get; private set; }

    public long Length { get; private set; }

    /// <summary>Held while the payload is being copied here, into the arena or a receiver's memory, so that it is not withdrawn under the copy.</summary>
    public MonitorLock Gate { get; } = new();

    /// <summary>The payload must not be touched any more. Under <see cref="Gate"/>.</summary>
    public bool IsOver { get; private set; } = true;

    /// <summary>A move is under way or waits for room. Under <see cref="Gate"/>.</summary>
    public bool IsMoving { get; set; }

    /// <summary>Under <see cref="Gate"/>: its payload is in the arena as well.</summary>
    public bool IsMoved { get; set; }

    /// <summary>Why this process took the message back by itself, if it did. Under <see cref="Gate"/>.</summary>
    public Exception? TakenBack { get; set; }

    public bool IsAttached => _segmentCount > 0;

    /// <summary>Its own thread is blocked in the send, and writes what receivers post.</summary>
    public bool HelpsItself { get; set; }

    /// <summary>Of the same thread, the one sent after it that is not completed either.</summary>
    public AttachedSend? Behind { get; set; }

    /// <summary>Where it is in its handle's list of those that wait.</summary>
    public int Place { get; set; }

    public ReadOnlySpan<iovec> Segments => _segments.AsSpan(0, _segmentCount);

    /// <summary>The name of the pool's buffer that all of the payload lies in; none if it is in no such, or in pieces.</summary>
    public SharedName Buffer { get; private set; }

    /// <summary>All of the payload lies in arrays of .NET, which stay readable whatever anybody does.</summary>
    public bool IsInArrays { get; private set; }

    /// <summary>Why nobody waits for the completion any more: the handle is closed or broken.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Pins the payload, before there is a message.</summary>
    public void Pin(in ReadOnlySequence<byte> payload)
    {
        IsInArrays = true;
        foreach (ReadOnlyMemory<byte> piece in payload)
        {
            if (piece.IsEmpty)
                continue;
            if (_pinCount == _pins.Length)
            {
                Array.Resize(ref _pins, 2 * _pinCount);
                Array.Resize(ref _arrays, 2 * _pinCount);
            }

            // Kept, for the pin of an array that never moves does not. And a memory manager may say of any array that it is its.
            bool isArray = MemoryMarshal.TryGetArray(piece, out ArraySegment<byte> array);
            _arrays[_pinCount] = array.Array;
            MemoryHandle pin = _pins[_pinCount++] = piece.Pin();
            IsInArrays &= isArray && (byte*)pin.Pointer == (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array.Array!)) + array.Offset;
            if (_segmentCount == _segments.Length)
                Array.Resize(ref _segments, 2 * _segmentCount);
            _segments[_segmentCount++] = new iovec((nuint)pin.Pointer, (nuint)piece.Length);
        }

        FindBuffer();
    }

    /// <summary>The same for memory that the caller holds still until the send is over, in its own thread.</summary>
    public void Hold(byte* payload, nuint length)
    {
        _segments[_segmentCount++] = new iovec((nuint)payload, length);
        IsInArrays = false;
        FindBuffer();
    }

    /// <summary>It is copied after all, before there is a message.</summary>
    public void LetGo()
    {
        _segmentCount = 0;
        _buffer?.Unpin(_rental);
        _buffer = null;
        Buffer = default;
        IsInArrays = false;
        for (; _pinCount > 0; _pins[_pinCount] = default, _arrays[_pinCount] = null)
            _pins[--_pinCount].Dispose();
    }

    /// <summary>The table of segments, and the buffer's name if there is one.</summary>
    public void WriteTable(byte* table)
    {
        Segments.CopyTo(new Span<iovec>(table, _segmentCount));
        if (!Buffer.IsNone)
            *(SharedName*)(table + (_segmentCount * BlockLayout.SegmentSize)) = Buffer;
    }

    /// <summary>It is this message from now on. Under the gate: threads that come late find the message before, which is over, or this one.</summary>
    public void Begin(int block, uint generation, long length)
    {
        lock (Gate)
        {
            (Block, Generation, Length, HelpsItself) = (block, generation, length, false);
            (IsMoved, TakenBack, _refused) = (false, null, default);
            Volatile.Write(ref _failure, null);
            IsOver = false;
        }
    }

    /// <summary>It could not be written to this posting: no more of it is taken. Under the gate.</summary>
    public void Refuse(long poster, ulong tag) => _refused = (poster, tag);

    public bool IsRefused(long poster, ulong tag) => _refused == (poster, tag);

    public void Fail(Exception exception)
    {
        Interlocked.CompareExchange(ref _failure, exception, null);
        Signal();
    }

    /// <summary>Copies the payload within this process; 0 or errno.</summary>
    public int CopyPayload(byte* destination) => OwnMemory.Copy(Segments, destination);

    /// <summary>The send has ended: nobody reads the payload any more.</summary>
    public void End()
    {
        lock (Gate)
        {
            IsOver = true;
            _segmentCount = 0;
        }

        LetGo();
        Behind = null;
        if (_segments.Length > Kept)
            (_pins, _arrays, _segments) = (new MemoryHandle[1], new byte[]?[1], new iovec[1]);
    }

    private void FindBuffer()
    {
        if (_segmentCount == 1)
            _buffer = SharedBuffers.TryPin((void*)_segments[0].iov_base, _segments[0].iov_len, out _rental);
        Buffer = _buffer?.Name ?? default;
    }
}
