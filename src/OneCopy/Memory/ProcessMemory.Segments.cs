using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <content>
/// Scatter and gather. Any number of segments on both sides, of any length: they are cut into calls of at most 1024 segments a
/// side and 2 GiB less a page. The bytes of one side, in order, go to those of the other; how they are cut on the two sides has
/// nothing to do with each other, and where the sums differ the smaller one counts.
/// </content>
public sealed partial class ProcessMemory
{
    /// <summary>Reads pieces of the target, one after the other, into buffers, one after the other.</summary>
    /// <param name="remote">What to read, any number of pieces.</param>
    /// <param name="local">Where it goes, any number of buffers; held in place meanwhile.</param>
    /// <returns>Bytes that arrived: the smaller one of the two sums, or less where a hole was met behind the first byte.</returns>
    /// <exception cref="ProcessMemoryException">EFAULT: not even the first byte could be read.</exception>
    /// <exception cref="ProcessAccessDeniedException">EPERM: the target may not be touched.</exception>
    /// <exception cref="OneCopyException">ESRCH: the target has ended.</exception>
    /// <remarks>process_vm_readv(2). <see cref="ReadPartial(ReadOnlySpan{RemoteSegment}, IReadOnlyList{Memory{byte}})"/> also says
    /// where the hole is.</remarks>
    public long Read(ReadOnlySpan<RemoteSegment> remote, IReadOnlyList<Memory<byte>> local)
    {
        ArgumentNullException.ThrowIfNull(local);
        using PinnedBuffers pinned = PinnedBuffers.Of(local);
        return CountOf(TransferDirection.Read, Native(remote), pinned.Segments);
    }

    /// <summary>Reads pieces of the target into pieces of native memory: for requests beyond 2 GiB, too.</summary>
    /// <param name="remote">What to read.</param>
    /// <param name="local">Where it goes.</param>
    /// <returns>As <see cref="Read(ReadOnlySpan{RemoteSegment}, IReadOnlyList{Memory{byte}})"/>, and so are the errors.</returns>
    public long Read(ReadOnlySpan<RemoteSegment> remote, ReadOnlySpan<LocalSegment> local) =>
        CountOf(TransferDirection.Read, Native(remote), Native(local));

    /// <summary>Writes buffers, one after the other, into pieces of the target, one after the other.</summary>
    /// <param name="remote">Where it goes, any number of pieces.</param>
    /// <param name="local">What is written, any number of buffers; held in place meanwhile.</param>
    /// <returns>Bytes written: the smaller one of the two sums, or less where a hole was met behind the first byte.</returns>
    /// <exception cref="ProcessMemoryException">EFAULT: not even the first byte could be written.</exception>
    /// <exception cref="ProcessAccessDeniedException">EPERM: the target may not be touched.</exception>
    /// <exception cref="OneCopyException">ESRCH: the target has ended.</exception>
    /// <remarks>process_vm_writev(2).</remarks>
    public long Write(ReadOnlySpan<RemoteSegment> remote, IReadOnlyList<ReadOnlyMemory<byte>> local)
    {
        ArgumentNullException.ThrowIfNull(local);
        using PinnedBuffers pinned = PinnedBuffers.Of(local);
        return CountOf(TransferDirection.Write, Native(remote), pinned.Segments);
    }

    /// <summary>Writes pieces of native memory into pieces of the target: for requests beyond 2 GiB, too.</summary>
    /// <param name="remote">Where it goes.</param>
    /// <param name="local">What is written.</param>
    /// <returns>As <see cref="Write(ReadOnlySpan{RemoteSegment}, IReadOnlyList{ReadOnlyMemory{byte}})"/>, and so are the errors.</returns>
    public long Write(ReadOnlySpan<RemoteSegment> remote, ReadOnlySpan<LocalSegment> local) =>
        CountOf(TransferDirection.Write, Native(remote), Native(local));

    /// <summary>Reads pieces of the target into buffers, and says what arrived and which address ended it. A fault is not thrown.</summary>
    /// <param name="remote">What to read.</param>
    /// <param name="local">Where it goes.</param>
    public TransferResult ReadPartial(ReadOnlySpan<RemoteSegment> remote, IReadOnlyList<Memory<byte>> local)
    {
        ArgumentNullException.ThrowIfNull(local);
        using PinnedBuffers pinned = PinnedBuffers.Of(local);
        return Transfer(TransferDirection.Read, Native(remote), pinned.Segments);
    }

    /// <summary>
    /// Reads pieces of the target into native memory, and says what arrived and which address ended it. A fault is not thrown.
    /// </summary>
    /// <param name="remote">What to read.</param>
    /// <param name="local">Where it goes.</param>
    public TransferResult ReadPartial(ReadOnlySpan<RemoteSegment> remote, ReadOnlySpan<LocalSegment> local) =>
        Transfer(TransferDirection.Read, Native(remote), Native(local));

    /// <summary>
    /// Writes buffers into pieces of the target, and says what was written and which address ended it. A fault is not thrown.
    /// </summary>
    /// <param name="remote">Where it goes.</param>
    /// <param name="local">What is written.</param>
    public TransferResult WritePartial(ReadOnlySpan<RemoteSegment> remote, IReadOnlyList<ReadOnlyMemory<byte>> local)
    {
        ArgumentNullException.ThrowIfNull(local);
        using PinnedBuffers pinned = PinnedBuffers.Of(local);
        return Transfer(TransferDirection.Write, Native(remote), pinned.Segments);
    }

    /// <summary>
    /// Writes native memory into pieces of the target, and says what was written and which address ended it. A fault is not thrown.
    /// </summary>
    /// <param name="remote">Where it goes.</param>
    /// <param name="local">What is written.</param>
    public TransferResult WritePartial(ReadOnlySpan<RemoteSegment> remote, ReadOnlySpan<LocalSegment> local) =>
        Transfer(TransferDirection.Write, Native(remote), Native(local));

    private long CountOf(TransferDirection direction, ReadOnlySpan<iovec> remote, ReadOnlySpan<iovec> local)
    {
        TransferResult result = Transfer(direction, remote, local);
        if (result.Bytes == 0)
            OrThrow(result, direction, Math.Min(SegmentCursor.Total(remote), SegmentCursor.Total(local)));
        return result.Bytes;
    }
}
