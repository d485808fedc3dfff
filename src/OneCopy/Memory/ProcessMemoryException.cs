using OneCopy.Interop;

namespace OneCopy;

/// <summary>A transfer met an address that could not be used (EFAULT), and did not bring everything that was asked for.</summary>
public sealed class ProcessMemoryException : OneCopyException
{
    internal ProcessMemoryException(string call, int pid, TransferResult result, long requested)
        : base(call, Interop.Errno.EFAULT, Describe(pid, result, requested), Advice(result.Fault))
    {
        ProcessId = pid;
        Address = result.FaultAddress ?? 0;
        Fault = result.Fault;
        BytesTransferred = result.Bytes;
    }

    /// <summary>The target process.</summary>
    public int ProcessId { get; }

    /// <summary>The first address that could not be used, in the process that <see cref="Fault"/> names.</summary>
    public nuint Address { get; }

    /// <summary>Whose address it is.</summary>
    public TransferFault Fault { get; }

    /// <summary>Bytes transferred before it.</summary>
    public long BytesTransferred { get; }

    private static string Describe(int pid, TransferResult result, long requested)
    {
        string whose = result.Fault == TransferFault.Local ? "in this process" : $"of process {pid}";
        return $"address 0x{result.FaultAddress:x} {whose}, after {result.Bytes} of {requested} bytes";
    }

    private static string Advice(TransferFault fault) => fault == TransferFault.Local
        ? "This process's own segment is not mapped there, or may not be used that way."
        : "Nothing is mapped there, or the page does not permit it, or it lies behind the end of a mapped file: Regions() shows the map.";
}
