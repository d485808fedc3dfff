using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.Interop;

/// <summary>
/// Every struct, field and constant of the bindings against the C headers of this system. They are found by reflection, so that
/// a new one is compared from its first day; a name that C does not know has to be listed here, with the reason.
/// </summary>
public class HeaderTests
{
    private const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly string[] s_headers =
    [
        "stddef.h", "dirent.h", "stdio.h", "errno.h", "limits.h", "fcntl.h", "poll.h", "signal.h", "time.h", "unistd.h",
        "sys/epoll.h", "sys/eventfd.h", "sys/file.h", "sys/mman.h", "sys/prctl.h", "sys/resource.h", "sys/socket.h", "sys/stat.h", "sys/syscall.h", "sys/uio.h", "sys/vfs.h", "sys/xattr.h",
        "linux/futex.h", "linux/filter.h", "linux/seccomp.h", "linux/fs.h", "linux/memfd.h", "linux/magic.h",
        "sys/mount.h", "linux/perf_event.h",
    ];

    /// <summary>Words of our own in the bindings: no C name, nothing to compare.</summary>
    private static readonly HashSet<string> s_ownNames = new(StringComparer.Ordinal)
    {
        // MAX_RW_COUNT is in the kernel's sources, not in a header that programs see; the transfer of 3 GiB tests it.
        "Uio.MaxBytesPerCall",

        // chown(2) says -1 in words.
        "Permissions.Unchanged",
    };

    /// <summary>Types that are no C structs.</summary>
    private static readonly HashSet<string> s_ownStructs = new(StringComparer.Ordinal) { nameof(SysResult), nameof(GuardedMapping) };

    /// <summary>Enums of ours, and how C begins the names of their members.</summary>
    private static readonly Dictionary<string, string> s_enumPrefixes = new(StringComparer.Ordinal)
    {
        ["Prot"] = "PROT_",
        ["Map"] = "MAP_",
        ["Madv"] = "MADV_",
        ["Msync"] = "MS_",
        ["Rwf"] = "RWF_",
        ["Fadvise"] = "POSIX_FADV_",
    };

    /// <summary>Newer than the headers of some systems that this library runs on; compared where they are known.</summary>
    private static readonly HashSet<string> s_new = new(StringComparer.Ordinal) { "FUTEX2_SIZE_U32", "SYS_futex_waitv", "RWF_NOAPPEND", "RWF_ATOMIC", "RWF_DONTCACHE", "MADV_COLLAPSE", "FSOPEN_CLOEXEC", "FSMOUNT_CLOEXEC" };

    /// <summary>Structs of which the bindings have the beginning: the kernel is told how long it is, and the headers' grows.</summary>
    private static readonly HashSet<string> s_beginnings = new(StringComparer.Ordinal) { nameof(perf_event_attr) };

    [Fact]
    public void EveryConstantHasTheValueOfTheHeaders()
    {
        SortedDictionary<string, long> ours = new(StringComparer.Ordinal);
        foreach (Type type in InteropTypes())
        {
            foreach (FieldInfo field in type.GetFields(Everything).Where(f => f.IsStatic && IsInteger(f.FieldType)))
            {
                if (CNameOf(type, field) is string name)
                    ours[name] = ToLong(field.GetValue(null)!);
            }
        }
        Assert.True(ours.Count > 60, $"Only {ours.Count} constants were found: the search for them is broken.");
        StringBuilder body = new();
        foreach (string name in ours.Keys)
            body.Append($"#ifdef {name}\n  printf(\"{name} %lld\\n\", (long long)({name}));\n#else\n  printf(\"{name} unknown\\n\");\n#endif\n");

        List<string> wrong = [];
        foreach (string[] line in Run(body.ToString()))
        {
            bool known = long.TryParse(line[1], out long theirs);
            if (known ? theirs != ours[line[0]] : !s_new.Contains(line[0]))
                wrong.Add($"{line[0]}: {ours[line[0]]} in the bindings, {line[1]} in the headers");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void EveryStructHasTheLayoutOfTheHeaders()
    {
        SortedDictionary<string, long> ours = new(StringComparer.Ordinal);
        StringBuilder body = new();
        foreach (Type type in InteropTypes().Where(t => t is { IsValueType: true, IsEnum: false } && !s_ownStructs.Contains(t.Name)))
        {
            if (!s_beginnings.Contains(type.Name))
                Add($"sizeof(struct {type.Name})", Marshal.SizeOf(type));

            // Names that begin with two underscores are padding, which every version of a header calls something else.
            foreach (FieldInfo field in type.GetFields(Everything).Where(f => !f.IsStatic && !f.Name.StartsWith("__", StringComparison.Ordinal)))
                Add($"offsetof(struct {type.Name}, {field.Name})", (long)Marshal.OffsetOf(type, field.Name));
        }
        Add("sizeof(struct epoll_event)", Epoll.EventSize);
        Add("offsetof(struct epoll_event, data)", Epoll.DataOffset);
        Assert.True(ours.Count > 30, $"Only {ours.Count} fields were found: the search for them is broken.");

        List<string> wrong = [];
        foreach (string[] line in Run(body.ToString()))
        {
            string expression = line[0].Replace('~', ' ');
            if (long.Parse(line[1]) != ours[expression])
                wrong.Add($"{expression}: {ours[expression]} in the bindings, {line[1]} in the headers");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        void Add(string expression, long value)
        {
            ours[expression] = value;
            body.Append($"  printf(\"{expression.Replace(' ', '~')} %lld\\n\", (long long){expression});\n");
        }
    }

    /// <summary>Types of the bindings: all of the namespace but what the compiler made.</summary>
    private static IEnumerable<Type> InteropTypes() => typeof(SysResult).Assembly.GetTypes()
        .Where(t => string.Equals(t.Namespace, typeof(SysResult).Namespace, StringComparison.Ordinal) && !t.IsNested && !t.Name.Contains('<', StringComparison.Ordinal));

    private static string? CNameOf(Type type, FieldInfo field)
    {
        if (field.Name.StartsWith('<') || field.Name.StartsWith("s_", StringComparison.Ordinal) || s_ownNames.Contains($"{type.Name}.{field.Name}"))
            return null;
        if (!type.IsEnum)
            return field.Name;
        Assert.True(s_enumPrefixes.TryGetValue(type.Name, out string? prefix), $"The enum {type.Name} is new in the bindings: say here how C begins its members' names.");

        // 0 has a name in C for protections alone.
        return ToLong(field.GetValue(null)!) == 0 && type != typeof(Prot) ? null : prefix + field.Name.ToUpperInvariant();
    }

    private static bool IsInteger(Type type)
    {
        Type number = type.IsEnum ? Enum.GetUnderlyingType(type) : type;
        return number == typeof(nint) || number == typeof(nuint) || (number.IsPrimitive && number != typeof(bool) && number != typeof(double) && number != typeof(char));
    }

    private static long ToLong(object value) => value switch
    {
        nint n => n,
        nuint n => (long)n,
        ulong n => (long)n,
        _ => Convert.ToInt64(value),
    };

    private static List<string[]> Run(string body)
    {
        StringBuilder source = new("#define _GNU_SOURCE\n");
        foreach (string header in s_headers)
            source.Append($"#if __has_include(<{header}>)\n#include <{header}>\n#endif\n");
        source.Append("int main(void) {\n").Append(body).Append("  return 0;\n}\n");
        return [.. CProgram.Run(source.ToString()).Select(line => line.Split(' '))];
    }
}
