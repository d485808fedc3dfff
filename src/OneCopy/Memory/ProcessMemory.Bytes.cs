using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

public sealed partial class ProcessMemory
{
    /// <summary>Reads exactly as many bytes as the buffer has.</summary>
    /// <param name="address">The first byte's address in the target.</param>
    /// <param name="buffer">Where they go.</param>
    /// <exception cref="ProcessMemoryException">EFAULT: not all of it can be read; carries the address and how much arrived.</exception>
    /// <exception cref="ProcessAccessDeniedException">EPERM: the target may not be touched.</exception>
    /// <exception cref="OneCopyException">ESRCH: the target has ended.</exception>
    /// <remarks>process_vm_readv(2).</remarks>
    public void Read(nuint address, Span<byte> buffer) =>
        OrThrow(ReadPartial(address, buffer), TransferDirection.Read, buffer.Length);

    /// <summary>Writes exactly the buffer's bytes.</summary>
    /// <param name="address">The first byte's address in the target.</param>
    /// <param name="buffer">What is written.</param>
    /// <exception cref="ProcessMemoryException">EFAULT: not all of it can be written; carries the address and how much was.</exception>
    /// <exception cref="ProcessAccessDeniedException">EPERM: the target may not be touched.</exception>
    /// <exception cref="OneCopyException">ESRCH: the target has ended.</exception>
    /// <remarks>process_vm_writev(2).</remarks>
    public void Write(nuint address, ReadOnlySpan<byte> buffer) =>
        OrThrow(WritePartial(address, buffer), TransferDirection.Write, buffer.Length);

    /// <summary>Reads as many bytes as the buffer has, or those before the first address that cannot be read.</summary>
    /// <param name="address">The first byte's address in the target.</param>
    /// <param name="buffer">Where they go.</param>
    /// <param name="read">Bytes that arrived.</param>
    /// <returns>False if they are fewer than the buffer has, for a fault; every other failure is thrown, as by
    /// <see cref="Read(nuint, Span{byte})"/>.</returns>
    public bool TryRead(nuint address, Span<byte> buffer, out int read)
    {
        TransferResult result = ReadPartial(address, buffer);
        read = (int)result.Bytes;
        return result.IsComplete;
    }

    /// <summary>Writes the buffer's bytes, or those before the first address that cannot be written.</summary>
    /// <param name="address">The first byte's address in the target.</param>
    /// <param name="buffer">What is written.</param>
    /// <param name="written">Bytes that were.</param>
    /// <returns>False if they are fewer than the buffer has, for a fault; every other failure is thrown, as by
    /// <see cref="Write(nuint, ReadOnlySpan{byte})"/>.</returns>
    public bool TryWrite(nuint address, ReadOnlySpan<byte> buffer, out int written)
    {
        TransferResult result = WritePartial(address, buffer);
        written = (int)result.Bytes;
        return result.IsComplete;
    }

    /// <summary>As <see cref="TryRead"/>, and says which address failed.</summary>
    /// <param name="address">The first byte's address in the target.</param>
    /// <param name="buffer">Where the bytes go.</param>
    public unsafe TransferResult ReadPartial(nuint address, Span<byte> buffer)
    {
        fixed (byte* p = buffer)
            return Transfer(TransferDirection.Read, [new iovec(address, (nuint)buffer.Length)], [new iovec((nuint)p, (nuint)buffer.Length)]);
    }

    /// <summary>As <see cref="TryWrite"/>, and says which address failed.</summary>
    /// <param name="address">The first byte's address in the target.</param>
    /// <param name="buffer">What is written.</param>
    public unsafe TransferResult WritePartial(nuint address, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* p = buffer)
            return Transfer(TransferDirection.Write, [new iovec(address, (nuint)buffer.Length)], [new iovec((nuint)p, (nuint)buffer.Length)]);
    }

    private void OrThrow(TransferResult result, TransferDirection direction, long requested)
    {
        if (!result.IsComplete)
            throw new ProcessMemoryException(CallOf(direction, _method), ProcessId, result, requested);
    }
}
