using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using OneCopy.Interop;

namespace OneCopy.Messaging;

/// <summary>
/// How many operations of a handle are under way, so that closing it can wait for them. Entering and leaving are on the path of every message, four times a hop; so the first threads
/// to come have a slot of their own, which they write without an exchange, and who counts makes the fence for all of them (membarrier(2)). All others share two words.
/// </summary>
/// <remarks>
/// An operation may be left by another thread than the one that entered it. So who enters and who leaves is counted separately, and leaves are summed first: the sum is never less than what is under way.
/// </remarks>
internal sealed class OperationCount
{
    // A thread's slot is that of its identity; who finds it another's shares.
    private const int SlotBits = 3;
    private const int Slots = 1 << SlotBits;

    private readonly Slot[] _slots = new Slot[Slots];
    private readonly ManualResetEventSlim _left = new();
    private long _sharedEntered;
    private long _sharedLeft;
    private bool _isClosed;

    public bool IsClosed => Volatile.Read(ref _isClosed);

    /// <inheritdoc cref="TryEnter(nint)"/>
    public bool TryEnter() => TryEnter(CurrentThread.Id);

    /// <inheritdoc cref="Exit(nint)"/>
    public void Exit() => Exit(CurrentThread.Id);

    /// <summary>False: it is closed; then it is not entered.</summary>
    /// <param name="thread">The one that calls, which is asked for once in an operation.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter(nint thread)
    {
        ref Slot slot = ref SlotOf(thread);
        if (slot.Thread == thread)
            Volatile.Write(ref slot.Entered, slot.Entered + 1);
        else
            EnterOther(thread, ref slot);

        // The processor may read this before the store above can be seen: Count makes the fence that orders the two.
        if (!IsClosed)
            return true;
        Exit(thread);
        return false;
    }

    /// <param name="thread">The one that calls, whoever entered.</param>
    public void Exit(nint thread)
    {
        // Release: what the operation did is done before it is counted out.
        ref Slot slot = ref SlotOf(thread);
        if (slot.Thread == thread)
            Volatile.Write(ref slot.Left, slot.Left + 1);
        else
            Interlocked.Increment(ref _sharedLeft);
        if (IsClosed)
            _left.Set();
    }

    /// <summary>None can be entered from here on. True: none is under way.</summary>
    public bool Close()
    {
        Volatile.Write(ref _isClosed, true);
        return Count() == 0;
    }

    /// <summary>After <see cref="Close"/>: waits a moment for the last one to leave. False: some are still under way.</summary>
    public bool WaitForLast(TimeSpan moment)
    {
        _left.Reset();
        return Count() == 0 || (_left.Wait(moment) && Count() == 0);
    }

    /// <summary>Whether more than so many are under way, for sure; without a fence, and so cheap.</summary>
    public bool LooksAbove(long count) => Sum() > count;

    /// <summary>
    /// At least as many as are under way. What the caller wrote before is seen by all that are not counted: either such an operation had entered before the barrier, and
    /// is counted, or all that it reads it reads after the barrier.
    /// </summary>
    public long Count()
    {
        Interlocked.MemoryBarrierProcessWide();
        return Sum();
    }

    private long Sum()
    {
        // Acquire, and leaves first: of an operation whose leaving is counted the entering is as well.
        long left = Volatile.Read(ref _sharedLeft);
        foreach (ref Slot slot in _slots.AsSpan())
            left += Volatile.Read(ref slot.Left);
        long entered = Volatile.Read(ref _sharedEntered);
        foreach (ref Slot slot in _slots.AsSpan())
            entered += Volatile.Read(ref slot.Entered);
        return entered - left;
    }

    // Threads differ in bits that their stacks' size decides: multiplied, so that the highest three depend on all.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Slot SlotOf(nint thread) =>
        ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_slots), (nint)(((ulong)thread * 0x9E3779B97F4A7C15) >> (64 - SlotBits)));

    private void EnterOther(nint thread, ref Slot slot)
    {
        if (Volatile.Read(ref slot.Thread) == 0 && Interlocked.CompareExchange(ref slot.Thread, thread, 0) == 0)
            Volatile.Write(ref slot.Entered, slot.Entered + 1);
        else
            Interlocked.Increment(ref _sharedEntered);
    }

    // A thread's identity is given to another one when it has ended, which has the slot then.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Slot
    {
        [FieldOffset(0)]
        public nint Thread;

        [FieldOffset(8)]
        public long Entered;

        [FieldOffset(16)]
        public long Left;
    }
}
