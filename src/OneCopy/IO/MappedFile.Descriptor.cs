using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.IO;

namespace OneCopy;

/// <summary>Files that go to other processes as descriptors.</summary>
public sealed partial class MappedFile
{
    /// <summary>
    /// A path under which another process of the same user can open this very file, a memfd among them, while this process lives and has it open: /proc/PID/fd/N. The
    /// other process needs the right to look at this one (ptrace(2), PTRACE_MODE_READ), and gets an open file of its own, with the permissions of the file.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The file is disposed.</exception>
    public string DescriptorPath
    {
        get
        {
            using HandleLease lease = Lease();
            return $"/proc/{Environment.ProcessId}/fd/{lease.Fd}";
        }
    }

    /// <summary>
    /// A second descriptor that children inherit. .NET opens all of its own so that exec(2) closes them (FD_CLOEXEC): this one it does not. Start the child with the number among its
    /// arguments, then dispose this; the child takes it with <see cref="FromDescriptor"/>. Needs no right and no path, and works after this process has ended.
    /// </summary>
    /// <exception cref="OneCopyException">EMFILE: no descriptors left.</exception>
    /// <exception cref="ObjectDisposedException">The file is disposed.</exception>
    /// <remarks>Every child that is started while it exists inherits it, whoever starts it.</remarks>
    /// <example>
    /// <code>
    /// using (InheritableDescriptor passed = file.MakeInheritable())
    ///     child = Process.Start("worker", [passed.Number.ToString()]);
    /// // in the worker:
    /// using MappedFile file = MappedFile.FromDescriptor(int.Parse(args[0]));
    /// </code>
    /// </example>
    public InheritableDescriptor MakeInheritable()
    {
        using HandleLease lease = Lease();
        nint number = Descriptor.fcntl(lease.Fd, Descriptor.F_DUPFD, 3).OrThrow("fcntl(F_DUPFD)", Name); // Not 0, 1 or 2: those are the child's own.
        return new InheritableDescriptor(new SafeFileHandle(number, ownsHandle: true));
    }

    /// <summary>Takes a descriptor that this process inherited, or got in another way. It belongs to the result, and is not inherited further.</summary>
    /// <param name="descriptor">The number.</param>
    /// <exception cref="OneCopyException">EBADF: nothing is open under that number; or it is no regular file.</exception>
    /// <exception cref="ArgumentException">It is open for writing alone.</exception>
    public static MappedFile FromDescriptor(int descriptor)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(descriptor);
        string name = $"descriptor {descriptor}";
        MapAccess access = AccessOf(descriptor, name);
        RefuseOthers(descriptor, name);
        Descriptor.fcntl(descriptor, Descriptor.F_SETFD, Descriptor.FD_CLOEXEC).OrThrow("fcntl(F_SETFD)", name);
        return new MappedFile(new SafeFileHandle(descriptor, ownsHandle: true), ownsHandle: true, access, name);
    }
}

/// <summary>A descriptor that children inherit, for as long as this is not disposed. What they inherited stays theirs.</summary>
public sealed class InheritableDescriptor : IDisposable
{
    private readonly SafeFileHandle _handle;

    internal InheritableDescriptor(SafeFileHandle handle)
    {
        _handle = handle;
        Number = handle.Fd();
    }

    /// <summary>The number, the same in a child.</summary>
    public int Number { get; }

    /// <summary>Closes it here.</summary>
    public void Dispose() => _handle.Dispose();
}
